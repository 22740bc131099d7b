"""Is the endpoint there, does the model answer, and can each answer be found in the log?"""

from typing import Final

from verify.advice import WHERE, hint, named, told
from verify.endpoint import OK
from verify.events import json_lines

from .run import LINES, Failed, Visit, expect, expect_ok

SOME_TIME: Final = ("model_timeout", "deadline_reached", "INTEGRATION_TIMEOUT")
"""How an endpoint ends that waits for a schema to be compiled."""
WARM_ATTEMPTS: Final = 5


def reached(visit: Visit) -> str:
    """The function answers: what is at the URL is such an endpoint, and lets the caller in."""
    answer = visit.ask("a probe")
    is_it = answer.code == "body_invalid" or (answer.status == OK and "x-request-id" in answer.headers)
    expect(is_it, f"{told(answer)}. {hint(answer) or WHERE}")
    return "the function answers"


def warm(visit: Visit) -> str:
    """Ask until the service has compiled the schema, which its first use may wait for."""
    for attempt in range(1, WARM_ATTEMPTS + 1):
        answer = visit.ask("warm-up", LINES, visit.brief)
        if answer.status == OK:
            events = json_lines(answer.pieces) if answer.whole else []
            code = events[-1].members.get("problem", {}).get("code") if events else "a cut"
            if code is None:
                return f"ready, after {attempt} {'attempt' if attempt == 1 else 'attempts'}"
        else:
            code = answer.code
            if code not in SOME_TIME:
                expect_ok(answer)
        expect(code in SOME_TIME, f"the answer ended in {code}{named(answer)}")
    raise Failed(f"no answer after {WARM_ATTEMPTS} attempts; the last ended in {code}")


def request_ids(visit: Visit) -> str:
    """Every answer of the function has an id of its own."""
    ids = [answer.headers.get("x-request-id") for _, answer in visit.answers]
    without = [what for what, answer in visit.answers if not answer.headers.get("x-request-id")]
    expect(not without, f"X-Request-Id is missing from the answers to: {', '.join(without)}")
    expect(len(set(ids)) == len(ids), "two answers have the same X-Request-Id")
    return f"{len(ids)} answers, each with its own"
