"""AWS event-stream framing, the writing side. Smithy specification, "Amazon Event Stream"; all numbers big-endian."""

import json
from binascii import crc32
from collections.abc import Mapping
from struct import pack

STRING = 7
"""The header type of a string: a length of two bytes, then UTF-8."""


def event(name: str, payload: Mapping[str, object]) -> bytes:
    """Return the frame of an event whose payload is a JSON object."""
    return _json_frame("event", name, payload)


def raw_event(name: str, payload: bytes) -> bytes:
    """Return the frame of an event whose payload is any bytes."""
    return _frame_of("event", name, payload)


def exception(name: str, payload: Mapping[str, object]) -> bytes:
    """Return the frame of an exception that the service's model names (``throttlingException`` …)."""
    return _json_frame("exception", name, payload)


def error(code: str, message: str) -> bytes:
    """Return the frame of an error outside the service's model: code and message are headers, the payload is empty."""
    return frame({":error-code": code, ":error-message": message, ":message-type": "error"}, b"")


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return a frame: total length, length of the headers, CRC of both, headers, payload, CRC of all of that."""
    packed = b"".join(_header(name, value) for name, value in headers.items())
    lengths = pack("!II", 16 + len(packed) + len(payload), len(packed))
    message = lengths + pack("!I", crc32(lengths)) + packed + payload
    return message + pack("!I", crc32(message))


def damaged(intact: bytes) -> bytes:
    """Return the frame with a wrong checksum."""
    return intact[:-1] + bytes([intact[-1] ^ 0xFF])


def _json_frame(kind: str, name: str, payload: Mapping[str, object]) -> bytes:
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return _frame_of(kind, name, text.encode(errors="backslashreplace"))  # half a surrogate pair is escaped, as in JSON


def _frame_of(kind: str, name: str, payload: bytes) -> bytes:
    headers = {f":{kind}-type": name, ":content-type": "application/json", ":message-type": kind}
    return frame(headers, payload)


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return pack("!B", len(key)) + key + pack("!BH", STRING, len(text)) + text
