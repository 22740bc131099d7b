"""Decodes what ConverseStream sends: frames of bytes, each with one event.

botocore makes the call, but its own decoder takes several times as long per event. This one takes its place through
botocore's public event ``before-parse``. It has the same limits and raises the same errors. It reads a delta of text,
or of a tool's input, by itself; botocore's own parser reads every other event.

Format: smithy.io/2.0/aws/amazon-eventstream.html
"""

import json
from binascii import crc32
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from struct import Struct
from typing import Any, Final, Protocol

from botocore.eventstream import (
    ChecksumMismatch,
    EventStreamHeaderParser,
    InvalidHeadersLength,
    InvalidPayloadLength,
    ParserError,
)
from botocore.exceptions import EventStreamError
from botocore.model import OperationModel
from botocore.parsers import EventStreamJSONParser

from .body import Body, body_of

HEADERS_LIMIT: Final = 128 * 1024
PAYLOAD_LIMIT: Final = 24 * 1024 * 1024
"""Bytes."""

_PRELUDE: Final = Struct("!III")
"""The length of the frame, the length of its headers, and the checksum of both."""
_CHECKSUM: Final = Struct("!I")
"""The checksum of the frame without these last four bytes."""
_AROUND: Final = _PRELUDE.size + _CHECKSUM.size
_DELTA: Final = "contentBlockDelta"
_read_json: Final = json.JSONDecoder().raw_decode
"""``json.loads`` runs through twice as much code. At a model's pace, code is not in the processor's cache."""


class ContradictoryLengths(ParserError):
    """A frame is too short for the headers that it announces. botocore would read them from the next frame."""


class Headers:
    """The headers of a frame, and what they say of it. Frames in a row have the same ones."""

    __slots__ = ("is_delta", "is_failure", "values")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.is_failure = values.get(":message-type") in {"error", "exception"}
        self.is_delta = values.get(":event-type") == _DELTA and not self.is_failure


class Response(Protocol):
    """The open HTTP response, which is urllib3's."""

    def stream(self) -> Iterator[bytes]:
        """Yield the body as it arrives."""

    def shutdown(self) -> None:
        """Make a read that is blocked in another thread return."""

    def close(self) -> None:
        """Close the connection. One whose response was read to the end is free for another call already."""


class EventStream:
    """The events of one response, as botocore would yield them: mappings with one member, the event's name."""

    def __init__(self, response: Response, operation: OperationModel) -> None:
        self._response = response
        self._operation = operation
        self._parser = EventStreamJSONParser()
        self.body: Body | None = body_of(response)
        """The reader whose waits can have a time limit; None if this response has none."""
        self.has_begun = False
        """Whether an event has come."""
        self._frames = frames(response.stream() if self.body is None else self.body)

    def __iter__(self) -> Iterator[Mapping[str, Any] | None]:
        """Yield the events that are left, and None as often as ``body`` has waited for one in vain.

        After an event that cannot be read, another iteration yields the events behind it. After a frame that cannot
        be read there are no further events.

        Raises:
            EventStreamError: the service reported an error.
            HTTPError: the connection failed; the error is urllib3's.
            Exception: a frame or an event cannot be read; the error is this module's or botocore's.
        """
        for frame in self._frames:
            if frame is None:
                yield None
                continue
            headers, payload, is_last = frame
            if self.body is not None:
                self.body.is_used_up = is_last
            event = _delta(payload) if headers.is_delta else None
            if event is not None or (event := self._parsed(headers, payload)):
                self.has_begun = True
                yield event

    def abort(self) -> None:
        """Shut the connection down, so that a read that is blocked in another thread returns at once.

        urllib3 raises if the response is drained, reset or closed at this moment; then there is nothing to abort.
        """
        with suppress(OSError, RuntimeError, TypeError, ValueError):
            self._response.shutdown()

    def close(self) -> None:
        """Close the response."""
        self._response.close()

    def _parsed(self, headers: Headers, payload: bytes) -> Mapping[str, Any]:
        """Return what botocore reads in any frame: nothing if it does not know the event."""
        status = HTTPStatus.BAD_REQUEST if headers.is_failure else HTTPStatus.OK
        response = {"status_code": status, "headers": headers.values, "body": payload}
        event: Mapping[str, Any] = self._parser.parse(response, self._operation.get_event_stream_output())  # type: ignore[arg-type]  # this operation has one
        if headers.is_failure:
            raise EventStreamError(event, self._operation.name)  # type: ignore[arg-type]  # it has the member "Error"
        return event


def decode_events(
    operation_model: OperationModel,
    response_dict: Mapping[str, Any],
    customized_response_dict: dict[str, Any],
    **_: object,
) -> None:
    """Replace the event stream of a response: botocore emits ``before-parse`` with these arguments."""
    if response_dict["status_code"] < HTTPStatus.MULTIPLE_CHOICES:
        customized_response_dict["stream"] = EventStream(response_dict["body"], operation_model)


def frames(chunks: Iterable[bytes | None]) -> Iterator[tuple[Headers, bytes, bool] | None]:
    """Yield the headers and the payload of each frame in a body, however it is cut into ``chunks``; for None, None.

    The third item says whether the frame ends where the chunk ends: nothing of the next one has come with it.

    A frame that the end of the body cuts is left out.

    Raises:
        ParserError: a checksum or a length is wrong, or a header occurs twice.
        Exception: the headers cannot be read; botocore's parser of headers raises errors of many types.
    """
    parser = EventStreamHeaderParser()
    headers, header_bytes = Headers({}), b""
    data = b""
    for chunk in chunks:
        if chunk is None:
            yield None
            continue
        data += chunk
        start = 0
        while len(data) - start >= _PRELUDE.size:
            length, headers_length, checksum = _PRELUDE.unpack_from(data, start)
            if (found := crc32(data[start : start + 8])) != checksum:
                raise ChecksumMismatch(checksum, found)
            _check_lengths(length, headers_length)
            end = start + length
            if end > len(data):
                break
            (expected,) = _CHECKSUM.unpack_from(data, end - 4)
            if (found := crc32(data[start + 8 : end - 4], checksum)) != expected:
                raise ChecksumMismatch(expected, found)
            payload_start = start + _PRELUDE.size + headers_length
            if data[start + _PRELUDE.size : payload_start] != header_bytes:
                header_bytes = data[start + _PRELUDE.size : payload_start]
                headers = Headers(parser.parse(header_bytes))
            yield headers, data[payload_start : end - 4], end == len(data)
            start = end
        data = data[start:]


def _check_lengths(length: int, headers_length: int) -> None:
    payload_length = length - headers_length - _AROUND
    if headers_length > HEADERS_LIMIT:
        raise InvalidHeadersLength(headers_length)
    if payload_length > PAYLOAD_LIMIT:
        raise InvalidPayloadLength(payload_length)
    if payload_length < 0:
        raise ContradictoryLengths


def _delta(payload: bytes) -> Mapping[str, Any] | None:
    """Return the event of a delta of text or of a tool's input; None if botocore must read it."""
    try:
        text = payload.decode()
        members, end = _read_json(text)
        delta, index = members["delta"], members["contentBlockIndex"]
    except (ValueError, LookupError, TypeError):
        return None
    if end < len(text) or type(delta) is not dict or len(delta) != 1 or index is None:
        return None
    if type(delta.get("text")) is str:
        return {_DELTA: {"delta": delta, "contentBlockIndex": index}}
    tool = delta.get("toolUse")
    if type(tool) is dict and type(tool.get("input")) is str:
        return {_DELTA: {"delta": {"toolUse": {"input": tool["input"]}}, "contentBlockIndex": index}}
    return None
