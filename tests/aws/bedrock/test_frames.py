"""The decoder of event streams reads what botocore's own decoder reads, and fails where that fails."""

from binascii import crc32
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from struct import pack
from typing import Any, Final

import botocore.eventstream
import botocore.session
import pytest
from botocore.exceptions import EventStreamError
from botocore.model import OperationModel
from botocore.parsers import EventStreamJSONParser
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import ProtocolError

from function.aws.bedrock.events import Unreadable, readable
from function.aws.bedrock.frames import (
    HEADERS_LIMIT,
    PAYLOAD_LIMIT,
    ContradictoryLengths,
    EventStream,
    decode_events,
)
from local.bedrock.event_stream import damaged, error, event, exception, frame, raw_event

NAMES: Final = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]


@cache
def operation() -> OperationModel:
    """Return botocore's description of ConverseStream."""
    return botocore.session.get_session().get_service_model("bedrock-runtime").operation_model("ConverseStream")


@dataclass
class Body:
    """A response whose body is in memory; it can end with a broken connection."""

    chunks: list[bytes]
    failure: Exception | None = None
    is_closed: bool = False

    def stream(self) -> Iterator[bytes]:
        yield from self.chunks
        if self.failure:
            raise self.failure

    def shutdown(self) -> None:
        raise RuntimeError("Cannot shutdown as connection has already been released to the pool")

    def close(self) -> None:
        self.is_closed = True


def described(item: object) -> object:
    """Return an event as it is, and of one that cannot be read its error with its words."""
    return (type(item.error), str(item.error)) if isinstance(item, Unreadable) else item


def trace(stream: Iterable[Any]) -> list[object]:
    """Return what is read of a stream: its events, and the errors of events and of the stream with their words."""
    found: list[object] = []
    try:
        found.extend(map(described, readable(stream)))
    except EventStreamError as failure:
        found.append((type(failure), str(failure), failure.response, failure.operation_name))
    except ProtocolError as failure:
        found.append(failure)
    return found


def ours(body: Body) -> list[object]:
    """Return what the function reads."""
    return trace(EventStream(body, operation()))


def of_botocore(body: Body) -> list[object]:
    """Return what botocore reads."""
    shape: Any = operation().get_event_stream_output()
    return trace(botocore.eventstream.EventStream(body, shape, EventStreamJSONParser(), "ConverseStream"))


def assert_same(data: bytes, cuts: Iterable[int] = ()) -> list[object]:
    """Compare both decoders, on the same chunks; return what they read."""
    ends = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    chunks = [data[start:end] for start, end in pairwise(ends)]
    found = ours(Body(chunks))

    assert repr(found) == repr(of_botocore(Body(chunks)))  # NaN is not equal to itself
    return found


def packed(name: bytes, value: bytes) -> bytes:
    """Return a header; ``value`` begins with its type."""
    return bytes([len(name)]) + name + value


def of_headers(headers: bytes, payload: bytes = b"{}") -> bytes:
    """Return a frame with any bytes as its headers; the checksums are right."""
    return of_lengths(16 + len(headers) + len(payload), len(headers), headers + payload)


def of_lengths(length: int, headers_length: int, content: bytes) -> bytes:
    """Return a frame that states any lengths; the checksums are right."""
    lengths = pack("!II", length, headers_length)
    message = lengths + pack("!I", crc32(lengths)) + content
    return message + pack("!I", crc32(message))


def text(fragment: object = "a") -> bytes:
    """Return the frame of a delta."""
    return event("contentBlockDelta", {"delta": {"text": fragment}, "contentBlockIndex": 0})


EVENT: Final = packed(b":message-type", b"\x07\x00\x05event") + packed(b":event-type", b"\x07\x00\x0bmessageStop")
HEADERS: Final = {
    "true": b"\x00",
    "false": b"\x01",
    "byte": b"\x02\xff",
    "short": b"\x03\xff\xfe",
    "integer": b"\x04\xff\xff\xff\xfe",
    "long": b"\x05" + 8 * b"\xfe",
    "bytes": b"\x06\x00\x02\xff\xfe",
    "string": "\x07\x00\x02é".encode(),
    "timestamp": b"\x08" + 8 * b"\x01",
    "uuid": b"\x09" + 16 * b"\x01",
    "unknown type": b"\x0a\x00",
    "string that is not UTF-8": b"\x07\x00\x01\xff",
    "string that is cut": b"\x07\x00\xffab",
    "length that is cut": b"\x07\x00",
    "number that is cut": b"\x05\x00",
    "type that is missing": b"",
}


@pytest.mark.parametrize("value", HEADERS.values(), ids=HEADERS)
def test_a_header_of_any_type_is_read_as_botocore_does(value: bytes) -> None:
    """A header that cannot be read ends the stream."""
    for name in (b"x", b":event-type", b":message-type", b":exception-type", b""):
        assert_same(text() + of_headers(EVENT + packed(name, value), b'{"stopReason": "end_turn"}') + text())
        assert_same(text() + of_headers(packed(name, value)) + text())


DAMAGED: Final = {
    "checksum of the frame": damaged(text()),
    "checksum of the prelude": text()[:8] + b"\xff" + text()[9:],
    "length": b"\xff" + text()[1:],
    "length of the headers": text()[:4] + b"\xff" + text()[5:],
    "headers that are too long": of_lengths(HEADERS_LIMIT + 17, HEADERS_LIMIT + 1, b""),
    "payload that is too long": of_lengths(PAYLOAD_LIMIT + 17, 0, b""),
    "header that occurs twice": of_headers(EVENT + EVENT),
    "bytes that are no frame": b"<html>Service Unavailable</html>",
}


@pytest.mark.parametrize("frames", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_frame_ends_the_stream(frames: bytes) -> None:
    """Nothing behind it can be found: where the next frame begins is not known."""
    good, failure, *others = assert_same(text("before") + frames + text("after"))

    assert good == {"contentBlockDelta": {"delta": {"text": "before"}, "contentBlockIndex": 0}}
    assert isinstance(failure, tuple)
    assert others == []


@pytest.mark.parametrize("length", [0, 3, 11, 12, 15, 16, 16 + len(EVENT) - 1])
def test_a_frame_that_is_too_short_for_its_headers_ends_the_stream(length: int) -> None:
    """Botocore reads some of them as other events, from the bytes of the next frame."""
    _, failure = ours(Body([text() + of_lengths(length, len(EVENT), EVENT) + text()]))

    assert failure == (ContradictoryLengths, "")


PAYLOADS: Final = [
    *(b"", b"null", b"[]", b"[1]", b'"words"', b"5", b"NaN", b"true", b"{", b"\xff", b"\xef\xbb\xbf{}", b"[" * 200_000),
    *(b"{}", b'{"a": 1}', b'{"delta": "words"}', b'{"usage": null}', b'{"message": null}', b'{"Message": 5}'),
    '{"delta": {"text": "a"}, "contentBlockIndex": 0}'.encode("utf-16"),
    b'{"delta": {"text": "a"}, "contentBlockIndex": ' + b"1" * 5000 + b"}",
    b'{"delta": {"text": "a"}, "delta": {"text": "b"}, "contentBlockIndex": 0, "p": "abcd"}',
    b'{"delta": {"text": "\\ud83d"}, "contentBlockIndex": 0}',
]
TOOLS: Final[list[object]] = [None, 5, [], {}, {"input": None}, {"input": 5}, {"input": "{"}]
REASONINGS: Final = [{"text": "a"}, {"redactedContent": "YQ=="}, {"redactedContent": "Y"}]
DELTAS: Final[list[object]] = [
    *(None, 5, "words", [], {}, {"text": None}, {"text": 5}, {"text": ["a"]}, {"text": "a", "song": None}),
    *({"text": "a", "__type": "x"}, {"text": "a", "toolUse": None}, {"text": "a", "toolUse": {}}, {"song": "la"}),
    *({"toolUse": value} for value in TOOLS),
    *({"toolUse": {"input": "{", "name": "answer"}}, {"citation": {"title": "t", "location": {"web": {"url": "u"}}}}),
    *({"reasoningContent": value} for value in REASONINGS),
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: repr(payload[:40]))
@pytest.mark.parametrize("name", [*NAMES, "throttlingException", "initial-response", "an event of next year"])
def test_any_payload_is_read_as_botocore_does(name: str, payload: bytes) -> None:
    """The stream goes on after an event that cannot be read."""
    found = assert_same(text("before") + raw_event(name, payload) + text("after"))

    assert found[-1] == {"contentBlockDelta": {"delta": {"text": "after"}, "contentBlockIndex": 0}}


@pytest.mark.parametrize("index", [0, 7, None, "0", 1.5, {}])
@pytest.mark.parametrize("delta", DELTAS, ids=repr)
def test_any_delta_is_read_as_botocore_does(delta: object, index: object) -> None:
    for payload in ({"delta": delta, "contentBlockIndex": index}, {"delta": delta}):
        assert_same(event("contentBlockDelta", payload) + text())


FAILURES: Final = {
    "exception": exception("throttlingException", {"message": "Slow down."}),
    "exception with another message": exception(
        "modelStreamErrorException", {"Message": "No.", "originalStatusCode": 5}
    ),
    "exception without a message": exception("internalServerException", {}),
    "exception of next year": exception("quantumException", {"message": "Maybe."}),
    "exception that is not JSON": frame(
        {":message-type": "exception", ":exception-type": "throttlingException"}, b"Slow down."
    ),
    "exception that is null": frame({":message-type": "exception", ":exception-type": "throttlingException"}, b"null"),
    "exception of no type": frame({":message-type": "exception"}, b"{}"),
    "exception that names an event": frame(
        {":message-type": "exception", ":event-type": "contentBlockDelta"}, text()[99:]
    ),
    "error": error("InternalFailure", "Sorry."),
    "error of no code": frame({":message-type": "error"}, b""),
    "message type of next year": frame({":message-type": "warning", ":event-type": "messageStop"}, b"{}"),
    "no headers": of_headers(b""),
}


@pytest.mark.parametrize("frames", FAILURES.values(), ids=FAILURES)
def test_an_error_of_the_service_is_raised_as_botocore_does(frames: bytes) -> None:
    assert_same(text("before") + frames + text("after"))


def test_a_stream_whose_connection_breaks_raises_the_error_of_the_connection() -> None:
    failure = ProtocolError("Connection broken")
    body = Body([text(), text()[:50]], failure)

    assert ours(body) == of_botocore(body) == [*ours(Body([text()])), failure]


@pytest.mark.parametrize("status", [200, 299, 300, 429, 503])
def test_only_a_response_that_is_a_stream_is_decoded(status: int) -> None:
    """Botocore reads the body of a refusal."""
    replaced: dict[str, Any] = {}
    decode_events(operation(), {"status_code": status, "body": Body([text()])}, replaced, event_name="before-parse")

    assert list(map(type, replaced.values())) == ([EventStream] if status < 300 else [])


MEMBERS: Final = [
    *("delta", "text", "toolUse", "input", "contentBlockIndex", "start", "stopReason", "usage", "inputTokens", "trace"),
    *("guardrail", "outputAssessments", "reasoningContent", "redactedContent", "message", "__type", "p"),
]
json_values: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda values: st.lists(values, max_size=2) | st.dictionaries(st.sampled_from(MEMBERS), values, max_size=3),
    max_leaves=6,
)
fragments: Final = st.builds(text, st.text(max_size=30))
events: Final = st.builds(
    event, st.sampled_from(NAMES), st.dictionaries(st.sampled_from(MEMBERS), json_values, max_size=4)
)
exceptions: Final = st.builds(
    exception, st.sampled_from(["throttlingException", "x"]), st.dictionaries(st.just("message"), json_values)
)
with_headers: Final = st.builds(
    lambda headers, payload: of_headers(b"".join(packed(name, value) for name, value in headers), payload),
    st.lists(
        st.tuples(st.sampled_from([b":event-type", b":message-type", b"x"]), st.sampled_from([*HEADERS.values()])),
        max_size=3,
    ),
    st.binary(max_size=5),
)
good: Final = st.lists(
    st.one_of(fragments, fragments, events, st.builds(raw_event, st.sampled_from(NAMES), st.binary()))
)
flaws: Final = st.lists(st.one_of(exceptions, with_headers, st.sampled_from([*DAMAGED.values(), *FAILURES.values()])))


@given(good, flaws, good, st.lists(st.integers(0), max_size=8), st.integers(0, 20))
def test_any_stream_is_read_as_botocore_does(
    before: list[bytes], flawed: list[bytes], after: list[bytes], cuts: list[int], missing: int
) -> None:
    """Whatever its frames are, wherever it is cut into pieces, and wherever it ends."""
    data = b"".join([*before, *flawed, *after])

    assert_same(data[: len(data) - missing], cuts)


@given(good, st.integers(0), st.integers(1, 255))
def test_a_stream_with_any_damaged_byte_is_read_as_botocore_does(frames: list[bytes], at: int, change: int) -> None:
    data = bytearray(b"".join([text("a"), *frames]))
    data[at % len(data)] ^= change

    assert_same(bytes(data), [at])


def test_a_stream_that_comes_byte_by_byte_is_the_same_stream() -> None:
    data = b"".join([text("Grüße 🙂"), text('"'), event("messageStop", {"stopReason": "end_turn"})])

    assert assert_same(data, range(len(data))) == ours(Body([data]))


def test_a_response_that_has_ended_can_be_aborted_and_closed() -> None:
    """A call is cancelled from another thread, which cannot know whether the stream has just ended."""
    body = Body([])
    stream = EventStream(body, operation())
    stream.abort()
    stream.close()

    assert body.is_closed
