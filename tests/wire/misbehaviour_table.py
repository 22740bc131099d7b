"""What becomes of a request, and of the next one, when own code misbehaves: rows of tests and documentation.

The code is ``tests/wire/misbehaving.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from function.contract import Outcome


class Place(Enum):
    """Where own code runs; the value is what the documentation calls it."""

    REQUEST = "validator of the request"
    PROMPT = "`prompt`"
    PREPARE = "`prepare`"
    PREPARE_ASYNC = "`prepare`, async"
    ANSWER = "validator of the answer"
    STAGE = "stage"
    STAGE_ASYNC = "stage, async"


@dataclass(frozen=True)
class Result:
    """What the client and the log see of it."""

    words: str
    """In the documentation."""
    outcome: Outcome = Outcome.COMPLETED
    code: str | None = None
    """Of the problem: with its status before the first byte, in the last event after it."""
    causes: tuple[str, ...] = ()
    """In the log line."""
    failed: str = ""
    """The stage that failed, and what its line says."""
    ends_sandbox: bool = False


@dataclass(frozen=True)
class Row:
    """A kind of misbehaviour."""

    words: str
    habits: tuple[str, ...]
    results: Mapping[Place, Result]
    after: str
    """What the next request sees, for the documentation."""
    left: Mapping[str, object]
    """The same, as own code sees it there."""


NOTHING: Final = "nothing"
FINE: Final = Result("`completed`")


def internal(*causes: str) -> Result:
    return Result("`internal`", Outcome.FAILED, "internal", causes)


def stage_failed(kind: str, *, ends_sandbox: bool = False) -> Result:
    words = "`late`" if kind == "late" else "its type in a line"
    return Result(f"{words}, and the sandbox ends" if ends_sandbox else words, failed=kind, ends_sandbox=ends_sandbox)


LATE: Final = Result("`deadline_reached`", Outcome.DEADLINE, "deadline_reached", ("DeadlineReached",))
ABANDONED: Final = replace(LATE, words="`deadline_reached`, and the sandbox ends", ends_sandbox=True)
WRONG_PROMPT: Final = internal("PromptInvalid")
BLANK: Final = Result("`body_invalid`", Outcome.REJECTED, "body_invalid", ("BodyInvalid",))
TOO_LONG: Final = Result(
    "`model_misconfigured`",
    Outcome.FAILED,
    "model_misconfigured",
    ("ModelMisconfigured", "ValidationException", "ValidationException"),
)
AS_RETURNED: Final = Result("`completed`; the value is what it returned")


def everywhere(result: Result, **others: Result) -> dict[Place, Result]:
    """Return the results of all places: an async one is that of its sync twin, unless it has its own."""
    results = {}
    for place in Place:
        name = place.name.lower()
        results[place] = others.get(name, others.get(name.removesuffix("_async"), result))
    return results


def _raising(habit: str, kind: str) -> Row:
    return Row(
        f"raises `{kind}`" if kind != "Own" else "raises an exception",
        (habit,),
        everywhere(internal("Internal", kind), stage=stage_failed(kind)),
        NOTHING,
        {},
    )


ROWS: Final = [
    _raising("raise_exception", "Own"),
    _raising("raise_system_exit", "SystemExit"),
    _raising("raise_keyboard_interrupt", "KeyboardInterrupt"),
    _raising("raise_cancelled_error", "CancelledError"),
    Row(
        "waits past its time",
        ("wait",),
        everywhere(LATE, prepare=ABANDONED, prepare_async=LATE, stage=stage_failed("late")),
        NOTHING,
        {},
    ),
    Row(
        "loops past its time",
        ("work",),
        everywhere(
            LATE,
            prepare=ABANDONED,
            stage=stage_failed("late"),
            stage_async=stage_failed("late", ends_sandbox=True),
        ),
        NOTHING,
        {},
    ),
    Row(
        "swallows what breaks it off, and returns",
        ("swallow",),
        everywhere(LATE, prepare=ABANDONED, prepare_async=LATE, stage=stage_failed("late")),
        NOTHING,
        {},
    ),
    Row(
        "returns None",
        ("return_none",),
        everywhere(
            internal("Internal", "AttributeError"), prompt=BLANK, prepare=WRONG_PROMPT, answer=AS_RETURNED, stage=FINE
        ),
        NOTHING,
        {},
    ),
    Row(
        "returns a wrong type, or a generator",
        ("return_number", "return_generator"),
        everywhere(
            internal("Internal", "AttributeError"),
            prompt=WRONG_PROMPT,
            prepare=WRONG_PROMPT,
            answer=AS_RETURNED,
            stage=FINE,
        ),
        NOTHING,
        {},
    ),
    Row(
        "returns a text of 30 MB",
        ("return_much",),
        everywhere(
            internal("Internal", "AttributeError"), prompt=TOO_LONG, prepare=TOO_LONG, answer=AS_RETURNED, stage=FINE
        ),
        NOTHING,
        {},
    ),
    Row(
        "leaves a thread behind, or a task",
        ("leave_thread",),
        everywhere(FINE),
        "the thread; tasks are cancelled",
        {"threads": True},
    ),
    Row(
        "changes what it was given",
        ("change_given",),
        everywhere(FINE, stage=stage_failed("FrozenInstanceError")),
        NOTHING,
        {},
    ),
    Row("prints 10 MB", ("print_much",), everywhere(FINE), NOTHING, {}),
    Row(
        "closes `sys.stdout`",
        ("close_stdout",),
        everywhere(FINE),
        "`print` of own code raises ValueError; the function's lines are complete",
        {"stdout is closed": True},
    ),
    Row(
        "sets a handler for the timer's signal",
        ("set_signal_handler",),
        everywhere(FINE, prepare=internal("Internal", "ValueError"), stage_async=stage_failed("ValueError")),
        "nothing: the function sets its own again",
        {},
    ),
    Row(
        "changes `os.environ`",
        ("change_environment",),
        everywhere(FINE),
        "the change; settings of the function stay as they were at its start",
        {"variable": "changed"},
    ),
]
