"""What a model writes and when. A script is data: steps in Python, or a JSON file in ``scripts/``."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STATUS: Mapping[str, int] = {
    "ThrottlingException": 429,
    "ModelNotReadyException": 429,
    "ServiceUnavailableException": 503,
    "InternalServerException": 500,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ValidationException": 400,
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "UnrecognizedClientException": 403,
    "ResourceNotFoundException": 404,
}
"""The HTTP status of each error before the stream."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A fragment of the answer: a delta of text, or of the tool's input if the request forces a tool."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A delta of a text block, even if the request forces a tool."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A delta of a reasoning block."""

    text: str


@dataclass(frozen=True, slots=True)
class Think:
    """Thinking as the model does it that is asked, and as the request wants it shown; nothing if it does not think.

    Omitted, it is silence and then a signature; summarised, its texts come before the signature. Where its tokens reach
    the request's limit, the answer ends there, with the stop reason ``max_tokens``: no later step is played.
    """

    texts: Sequence[str] = ("Let me see.",)
    """The deltas of the summary, spread over the seconds."""
    seconds: float = 0.0
    tokens: int = 10
    """They are added to the output tokens of ``Usage``."""
    redacted: bool = False
    """Whether each text is a block of its own that nobody can read, without a signature."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence for some seconds. If it comes before the first step that writes, the headers wait too."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Silence until the gate of this name is open."""

    gate: str


@dataclass(frozen=True, slots=True)
class Hang:
    """Silence until the client disconnects."""


@dataclass(frozen=True, slots=True)
class Open:
    """Sends the headers and ``messageStart`` now; without this step they are sent with the first delta."""


@dataclass(frozen=True, slots=True)
class Stop:
    """``contentBlockStop`` and ``messageStop``. A forced tool turns ``end_turn`` into ``tool_use``."""

    reason: str = "end_turn"


@dataclass(frozen=True, slots=True)
class Usage:
    """``metadata`` with the tokens, and with a trace of what a guardrail did, if the request asks for one."""

    input_tokens: int
    output_tokens: int
    actions: Sequence[str] = ()
    """What the guardrail did: ``ANONYMIZED``, ``BLOCKED``, ``NONE``."""
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    """Tokens of the prompt beside the input tokens; None: those that the stand-in counts."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of any name."""

    name: str
    payload: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawEvent:
    """An event with any bytes as its payload: JSON of another type, incomplete JSON, bytes that are not UTF-8."""

    name: str
    payload: bytes | str


@dataclass(frozen=True, slots=True)
class Fail:
    """An exception frame in the stream (``modelStreamErrorException`` …)."""

    kind: str
    message: str = "scripted"


@dataclass(frozen=True, slots=True)
class Error:
    """An error frame in the stream: its code is in the headers."""

    code: str
    message: str = "scripted"


@dataclass(frozen=True, slots=True)
class Refuse:
    """An HTTP error in place of a stream; ends the script.

    Without ``status``, the HTTP status is the one that ``STATUS`` has for the code. ``body`` is sent in place of the
    JSON object with the message.
    """

    code: str
    message: str = "scripted"
    status: int | None = None
    body: bytes | str | None = None


@dataclass(frozen=True, slots=True)
class BadChecksum:
    """A delta whose last checksum is wrong."""

    text: str = "?"


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends (FIN) inside the chunked body; with ``half_frame`` inside a frame. Ends the script."""

    half_frame: bool = False


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset (RST); ends the script."""


@dataclass(frozen=True, slots=True)
class End:
    """The last chunk, as HTTP requires; with ``half_frame`` inside a frame. A script without it ends like this too."""

    half_frame: bool = False


Step = (
    Fragment | Text | Reasoning | Think | Pause | Hold | Hang | Open | Stop | Usage | Event | RawEvent | Fail | Error
    | Refuse | BadChecksum | Cut | Reset | End
)  # fmt: skip

STEPS: Mapping[str, Callable[..., Step]] = {
    "fragment": Fragment,
    "text": Text,
    "reasoning": Reasoning,
    "think": Think,
    "pause": Pause,
    "hold": Hold,
    "hang": Hang,
    "open": Open,
    "stop": Stop,
    "usage": Usage,
    "event": Event,
    "raw_event": RawEvent,
    "fail": Fail,
    "error": Error,
    "refuse": Refuse,
    "bad_checksum": BadChecksum,
    "cut": Cut,
    "reset": Reset,
    "end": End,
}
"""The steps by their names in JSON."""


def load(name: str) -> list[Step]:
    """Return the script ``scripts/{name}.json``.

    Raises:
        ValueError: an item is not a step; the message names it.
    """
    return parse(json.loads((Path(__file__).parent / "scripts" / f"{name}.json").read_text()))


def parse(document: Iterable[Mapping[str, object]]) -> list[Step]:
    """Read steps from JSON: ``{"fragment": "text"}``, ``{"usage": [12, 34]}``, ``{"cut": {"half_frame": true}}``.

    Raises:
        ValueError: an item is not a step; the message names it.
    """
    return [_step(item) for item in document]


def fragments(document: str, size: int = 6) -> list[Step]:
    """Return the document in fragments of ``size`` characters."""
    return [Fragment(document[at : at + size]) for at in range(0, len(document), size)]


def complete_answer(document: str, size: int = 6) -> list[Step]:
    """Return a script without any failure: the document in fragments, a good stop, and usage."""
    answer = fragments(document, size)
    return [*answer, Stop(), Usage(input_tokens=12, output_tokens=len(answer))]


def _step(item: Mapping[str, object]) -> Step:
    try:
        [(name, value)] = item.items()
        make = STEPS[name]
        if isinstance(value, Mapping):
            return make(**value)
        return make(*value) if isinstance(value, list) else make(value)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"This is not a step of a script: {json.dumps(item)}") from error
