"""Ends a model call in a way that was asked for: slow, silent, invalid, throttled, cut and so on, once each."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final
from urllib.parse import unquote

from ..bedrock import script
from ..bedrock.call import Answerer, Call
from ..bedrock.script import Step
from ..lambda_.invocation import Ending as InvocationEnding
from ..lambda_.invocation import Invocation
from ..models.scripted import canned

SLOW_ANSWER: Final = 8.0
"""Seconds that a slow answer takes, however long it is."""
SILENCE: Final = 10.0
"""Seconds of silence in the middle of an answer: long enough for three heartbeats."""
THOUGHTS: Final = ("The user wants ", "a short answer. ", "I will give ", "an example.")
THOUGHT_PAUSE: Final = 0.8
"""Seconds after each fragment of the model's reasoning."""
CHUNKS_BEFORE_CUT: Final = 2
"""Chunks of the response that the client receives at least before a cut: the head, and the beginning of the body."""
CUT_TIMEOUT: Final = 5.0
"""Seconds that a cut waits for these chunks: a response in one piece never has them."""
CUT_PAUSE: Final = 0.5
"""Seconds before a cut: a browser drops what a page has not read yet when the connection breaks."""
RETRIED_CALL: Final = "amz-sdk-invocation-id"
"""The header that botocore repeats when it repeats a call."""
TRACE: Final = "x-amzn-trace-id"

Play = Callable[[Call, Invocation | None], Iterator[Step]]


@dataclass(frozen=True, slots=True)
class Ending:
    """A way in which an answer can end."""

    label: str
    """For the user, in a few words."""
    play: Play
    """Returns the steps of the model, for a call and the invocation of the function that made it, if it is known."""


def _slow(call: Call, _: Invocation | None) -> Iterator[Step]:
    steps = canned(call)
    for step in steps:
        yield script.Pause(SLOW_ANSWER / len(steps))
        yield step


def _silent(call: Call, _: Invocation | None) -> Iterator[Step]:
    before, after = _halves(canned(call))
    return chain(before, [script.Pause(SILENCE)], after)


def _thinking(call: Call, _: Invocation | None) -> Iterator[Step]:
    for thought in THOUGHTS:
        yield script.Reasoning(thought)
        yield script.Pause(THOUGHT_PAUSE)
    yield from canned(call)


def _invalid(call: Call, _: Invocation | None) -> Iterator[Step]:
    """Write an answer whose last field has a value of a type that the schema does not allow there."""
    text = "".join(step.text for step in canned(call) if isinstance(step, script.Fragment))
    document = json.loads(text)
    if isinstance(document, dict) and document:
        document[list(document)[-1]] = _of_another_type(document[list(document)[-1]])
    else:
        document = _of_another_type(document)
    yield from script.complete_answer(json.dumps(document))


def _of_another_type(value: object) -> object:
    return "not valid" if isinstance(value, dict | list) else {"is": "not valid"}


def _throttled(_: Call, __: Invocation | None) -> Iterator[Step]:
    return iter(script.load("throttled"))


def _refused(_: Call, __: Invocation | None) -> Iterator[Step]:
    return iter(script.load("refused"))


def _cut_off(as_seen: InvocationEnding) -> Play:
    """Return an ending in which the platform ends the response in the middle; ``as_seen`` is what the gateway sees."""

    def play(call: Call, invocation: Invocation | None) -> Iterator[Step]:
        before, after = _halves(canned(call))
        yield from before
        yield script.Pause(CUT_PAUSE)
        if invocation is not None:
            with suppress(TimeoutError):
                invocation.wait_for_chunks(CHUNKS_BEFORE_CUT, CUT_TIMEOUT)
            invocation.reset(as_seen)
        yield from after  # with its next write the function notices, and closes the call

    return play


def _halves(steps: Sequence[Step]) -> tuple[Iterator[Step], Iterator[Step]]:
    middle = len(steps) // 2
    return islice(steps, middle), islice(steps, middle, None)


ENDINGS: Final[Mapping[str, Ending]] = {
    "slow": Ending("slow: eight seconds from the first to the last fragment", _slow),
    "silent": Ending("silent: ten seconds of silence in the middle", _silent),
    "thinking": Ending("thinking: reasoning before the first fragment", _thinking),
    "invalid": Ending("invalid: a value breaks the schema", _invalid),
    "throttled": Ending("throttled: the model is busy", _throttled),
    "refused": Ending("refused: the model declines to answer", _refused),
    "cut": Ending("cut: the connection breaks in the middle", _cut_off(InvocationEnding.CUT)),
    "cut_cleanly": Ending(
        "cut, but ended cleanly: the answer stops in the middle, and the connection shows nothing",
        _cut_off(InvocationEnding.COMPLETE),
    ),
}
"""What the page offers, by the name that it sends."""


class Endings:
    """Answers one call with the ending that was chosen last, and all others with the model."""

    def __init__(self, model: Answerer, invocations: Callable[[], Sequence[Invocation]]) -> None:
        """``invocations`` returns those of the local function: an ending may have to end one."""
        self._model = model
        self._invocations = invocations
        self._lock = threading.Lock()
        self._chosen: Ending | None = None
        self._last: tuple[str | None, Ending] | None = None
        """The call that had an ending last, by its id, and this ending: botocore repeats a call that was throttled."""

    def choose(self, name: str | None) -> bool:
        """Give the next call the ending of this name; None leaves it to the model. Return whether there is one."""
        if name is not None and name not in ENDINGS:
            return False
        with self._lock:
            self._chosen = None if name is None else ENDINGS[name]
        return True

    def __call__(self, call: Call) -> Iterator[Step]:
        """Return the steps that answer a call."""
        headers = {name.lower(): value for name, value in call.headers.items()}
        ending = self._ending_of(headers.get(RETRIED_CALL))
        if ending is None:
            return iter(self._model(call))
        return ending.play(call, self._invocation_of(unquote(headers.get(TRACE, ""))))

    def _ending_of(self, call_id: str | None) -> Ending | None:
        with self._lock:
            if self._chosen is not None:
                self._last, self._chosen = (call_id, self._chosen), None
                return self._last[1]
            is_repeated = self._last is not None and call_id is not None and self._last[0] == call_id
            return self._last[1] if self._last and is_repeated else None

    def _invocation_of(self, trace_id: str) -> Invocation | None:
        return next((each for each in reversed(self._invocations()) if each.trace_id == trace_id), None)
