"""One run of the checks: what is asked, what was seen so far, and how a check fails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from verify.advice import hint, told
from verify.endpoint import OK, Answer, Endpoint, Request

LONG: Final = b'{"prompt": "What is serverless computing? Answer in about 150 words."}'
"""One answer is long, so that its pace can be seen."""
BRIEF: Final = b'{"prompt": "What is ice? Answer in one short sentence."}'
JSON: Final = "application/json"
LINES: Final = "application/jsonl"
UNFIT: Final = b"[]"
"""JSON that no request class takes: it never reaches the model."""
BY_CHANCE: Final = ("answer_not_json", "answer_invalid", "answer_truncated", "answer_refused", "model_failed")
"""How one answer may fail and the next be good."""


class Failed(Exception):
    """A promise is broken; the message says how, and what to do."""


class Undecided(Exception):
    """Nothing can be said; the message says why."""


class Skipped(Exception):
    """There is nothing to check, or it was not asked for; the message says how to ask."""


@dataclass
class Visit:
    """One run of the checks, and what it has seen so far."""

    endpoint: Endpoint
    long: bytes = LONG
    """The body that asks for a long answer."""
    brief: bytes = BRIEF
    origin: str | None = None
    table: Sequence[str] = ()
    """The last timeline, for people."""
    answers: list[tuple[str, Answer]] = field(default_factory=list)
    """What the function answered, and to what."""
    shared: dict[str, Answer] = field(default_factory=dict)
    """Good answers that several checks look at, by what was accepted."""
    begins: float | None = None
    """Milliseconds after which a brief answer was begun, one that then took time to be sent."""
    misses: int = 0
    """How often the model gave no answer."""
    is_mute: bool = False
    """It will give none, as far as can be seen: the reason lasts, or it is the second time."""

    def ask(
        self,
        what: str,
        accept: str = JSON,
        body: bytes = UNFIT,
        content_type: str = JSON,
        leave_after: int | None = None,
        **headers: str,
    ) -> Answer:
        """Let the function answer a POST, by default with a body that it refuses."""
        fields = {"Accept": accept, "Content-Type": content_type, **headers}
        answer = self.endpoint.ask(Request(body, fields), leave_after)
        if answer.status == OK or (answer.code or "").islower():  # the gateway's own codes are in upper case
            self.answers.append((what, answer))
        return answer

    def ask_model(self, what: str, accept: str, body: bytes, leave_after: int | None = None) -> Answer:
        """Let the model answer.

        Raises:
            Skipped: it is known that it does not.
            Failed: it does not.
        """
        if self.is_mute:
            raise Skipped("there are no answers, see above")
        answer = self.ask(what, accept, body, leave_after=leave_after)
        if answer.status != OK:
            self.miss(answer.code)
        expect_ok(answer)
        return answer

    def miss(self, code: object) -> None:
        """Note that the model gave no answer, with this code."""
        self.misses += 1
        self.is_mute = self.misses > 1 or code not in BY_CHANCE

    def share(self, what: str, accept: str, body: bytes) -> Answer:
        """Let the model answer, or return what it answered before."""
        if accept not in self.shared:
            self.shared[accept] = self.ask_model(what, accept, body)
        return self.shared[accept]


Check = Callable[[Visit], str]
"""Returns what was seen.

Raises ``Failed``, ``Undecided``, ``Skipped``, or ``Malformed`` and ``Unreachable`` of the parts below.
"""


def expect(condition: object, otherwise: str) -> None:
    """Go on if the condition holds.

    Raises:
        Failed: it does not.
    """
    if not condition:
        raise Failed(otherwise)


def expect_ok(answer: Answer) -> None:
    """Go on if the endpoint accepted the request.

    Raises:
        Failed: it did not; the message names the status, the code and what to do.
    """
    expect(answer.status == OK, f"{told(answer)}. {hint(answer)}".rstrip(". ") + ".")


def size_of(answer: Answer) -> str:
    """Return the length of the body, for people."""
    return f"{len(answer.body):,} bytes"
