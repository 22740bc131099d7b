import json
from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from local.bedrock import event_stream

NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
HEADERS = st.dictionaries(NAMES, st.text(max_size=200), max_size=8)


def read(data: bytes) -> list[tuple[Any, bytes]]:
    """Return headers and payload of each frame, as botocore reads them."""
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [(message.headers, message.payload) for message in buffer]


def test_an_empty_frame_is_the_bytes_of_the_specification() -> None:
    """No headers, no payload: sixteen bytes, both checksums included."""
    assert event_stream.frame({}, b"") == b"\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2H\xeb}\x98\xc8\xff"


@given(HEADERS, st.binary(max_size=4096))
def test_botocore_reads_every_frame_as_it_was_meant(headers: dict[str, str], payload: bytes) -> None:
    """Any headers and any payload come out of botocore's reader unchanged."""
    assert read(event_stream.frame(headers, payload)) == [(headers, payload)]


@given(st.lists(st.binary(max_size=50), min_size=2, max_size=5))
def test_frames_follow_each_other_without_a_gap(payloads: list[bytes]) -> None:
    """Frames one after the other are read one after the other."""
    assert [
        payload for _, payload in read(b"".join(event_stream.frame({}, payload) for payload in payloads))
    ] == payloads


def test_an_event_an_exception_and_an_error_are_told_apart_by_their_headers() -> None:
    """Each kind names itself where botocore looks for it."""
    delta = event_stream.event("contentBlockDelta", {"delta": {"text": "é"}})
    throttled = event_stream.exception("throttlingException", {"message": "slow down"})
    unknown = event_stream.error("SomeError", "no payload")

    found = read(delta + throttled + unknown)

    assert found[0][0][":event-type"] == "contentBlockDelta"
    assert json.loads(found[0][1]) == {"delta": {"text": "é"}}
    assert found[1][0][":exception-type"] == "throttlingException"
    assert found[2] == ({":error-code": "SomeError", ":error-message": "no payload", ":message-type": "error"}, b"")


def test_a_damaged_frame_is_refused() -> None:
    """The last checksum does not fit."""
    with pytest.raises(ChecksumMismatch):
        read(event_stream.damaged(event_stream.event("messageStop", {"stopReason": "end_turn"})))
