"""Is the endpoint there, does the model answer, and does every response have an id?"""

from typing import Final

from ..advice import CHECK_URL, advice_for, describe, with_id
from ..endpoint import OK, Response
from ..events import read_json_lines
from .run import LINES, Failed, Run, expect, expect_ok

COMPILING_CODES: Final = ("model_timeout", "deadline_reached", "INTEGRATION_TIMEOUT")
"""The codes of requests that end while Bedrock still compiles their schema."""
WARM_UP_ATTEMPTS: Final = 5


def function_responds(run: Run) -> str:
    """The URL is that of an endpoint of this project, and it accepts the credentials."""
    response = run.send("the first request")
    is_endpoint = response.code == "body_invalid" or (response.status == OK and "x-request-id" in response.headers)
    expect(is_endpoint, f"{describe(response)}. {advice_for(response) or CHECK_URL}")
    return "the function responds"


def warm_up(run: Run) -> str:
    """Request answers until Bedrock has compiled the schema, which can take minutes on its first use."""
    for attempt in range(1, WARM_UP_ATTEMPTS + 1):
        response = run.send("warm-up", LINES, run.short_request)
        code = _final_code(response) if response.status == OK else response.code
        if response.status == OK and code is None:
            return f"ready after {attempt} {'attempt' if attempt == 1 else 'attempts'}"
        if code not in COMPILING_CODES:
            expect_ok(response)
            raise Failed(f"the answer ended with {code}{with_id(response)}")
    raise Failed(f"there is no answer after {WARM_UP_ATTEMPTS} attempts; the last one ended with {code}")


def _final_code(response: Response) -> str | None:
    """Return the code in the last event of an answer, None if it succeeded."""
    events = read_json_lines(response.pieces) if response.is_complete else []
    if not events:
        return "a cut"
    code = events[-1].members.get("problem", {}).get("code")
    return None if code is None else str(code)


def request_ids(run: Run) -> str:
    """Every response of the function has an id of its own, by which its log line can be found."""
    ids = [response.headers.get("x-request-id") for _, response in run.responses]
    without = [name for name, response in run.responses if not response.headers.get("x-request-id")]
    expect(not without, f"X-Request-Id is missing from the responses to: {', '.join(without)}")
    expect(len(set(ids)) == len(ids), "two responses have the same X-Request-Id")
    return f"{len(ids)} responses, each with an id of its own"
