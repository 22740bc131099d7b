"""The formats, byte for byte."""

import json

import pytest

from function.partials import Change
from function.stream.encoders import Encoder
from function.stream.events import Complete, Idle, Overdue, Partial, Usage
from function.stream.negotiation import choose_format
from function.stream.record import Start

START = Start("req-1", "model-1", 100, lambda: 412)
ANSWER = Complete({"summary": "Grüße"}, "end_turn", Usage(12, 80), 75)
PROBLEM = {"type": "urn:x", "status": 502}


def encoder(accept: str | None) -> Encoder:
    return choose_format(accept).encoder(START)


def partial(text: str, *changes: Change, is_complete: bool = False, between_tokens: bool = True) -> Partial:
    return Partial(text, list(changes), is_complete, between_tokens, lambda: {"summary": "so far"})


DELTA = partial('{"summary":"Gr', Change("", value={}), Change("/summary", append="Gr"), between_tokens=False)


def test_json_lines_are_one_event_per_line() -> None:
    lines = encoder("application/jsonl")

    assert lines.opening() == b'{"type":"start","at":412,"id":"req-1","model":"model-1"}\n'
    assert lines.encode(DELTA) == (
        b'{"type":"delta","at":412,"changes":[{"path":"","value":{}},{"path":"/summary","append":"Gr"}]}\n'
    )
    assert lines.encode(Idle()) == b"\n"
    assert lines.encode(partial(" ")) == b""
    assert lines.restart(PROBLEM) == b'{"type":"restart","at":412,"problem":{"type":"urn:x","status":502}}\n'
    assert lines.failed(PROBLEM) == b'{"type":"error","at":412,"problem":{"type":"urn:x","status":502}}\n'
    assert (
        lines.complete(ANSWER)
        == (
            '{"type":"complete","at":412,"value":{"summary":"Grüße"},"stopReason":"end_turn",'
            '"usage":{"inputTokens":12,"outputTokens":80}}\n'
        ).encode()
    )


@pytest.mark.parametrize("accept", ["application/jsonl", "text/event-stream", "text/event-stream; view=snapshot"])
def test_an_event_is_one_line_to_every_reader(accept: str) -> None:
    """Some end lines at every character of Unicode that may end one: str.splitlines, and httpx with it."""
    words = "a\x85b\u2028c\u2029d\x0b\x0c\x1c\x1d\x1e\r\ne ü"
    change = Change(f"/{words}", value=words)
    written = Partial(words, [change], is_complete=False, between_tokens=False, snapshot=lambda: {words: words})
    typed = encoder(accept)
    answer = Complete({words: words}, "end_turn", None, 1)
    events = [
        typed.encode(written),
        typed.failed({"path": words}),
        typed.restart({"path": words}),
        typed.complete(answer),
    ]

    for event in events:
        lines = [line for line in event.decode().splitlines() if line]
        assert len(lines) == (1 if accept == "application/jsonl" else 3)
        assert words in _strings(json.loads(lines[-1].removeprefix("data: ")))
        assert "ü".encode() in event


def _strings(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_strings, value.values()))
    if isinstance(value, list):
        return set[str]().union(*map(_strings, value))
    return {value} if isinstance(value, str) else set()


def test_server_sent_events_are_named_and_numbered() -> None:
    events = encoder("text/event-stream")

    assert events.opening() == (
        b'id: 1\nevent: start\ndata: {"type":"start","at":412,"id":"req-1","model":"model-1"}\n\n'
    )
    assert events.encode(Idle()) == b":\n\n"
    assert events.encode(partial('"', Change("/summary", append="", closed=True))) == (
        b'id: 2\nevent: delta\ndata: {"type":"delta","at":412,"changes":[{"path":"/summary","closed":true}]}\n\n'
    )
    assert events.failed(PROBLEM).startswith(b"id: 3\nevent: error\ndata: {")


@pytest.mark.parametrize("accept", ["application/jsonl;view=snapshot", "text/event-stream;view=snapshot"])
def test_snapshots_come_where_they_are_asked_for(accept: str) -> None:
    written = encoder(accept).encode(DELTA).decode()

    assert '{"type":"snapshot","at":412,"value":{"summary":"so far"}}' in written


@pytest.mark.parametrize("accept", ["application/jsonl", "text/event-stream"])
def test_usage_that_never_came_is_estimated(accept: str) -> None:
    written = encoder(accept).complete(Complete([], "end_turn", None, 75)).decode()

    assert '"usage":null,"outputTokensEstimated":75}' in written


@pytest.mark.parametrize("accept", ["application/jsonl", "text/event-stream"])
def test_typed_formats_commit_to_words_or_to_the_end_of_patience(accept: str) -> None:
    events = encoder(accept)

    assert events.commits(DELTA)
    assert events.commits(Overdue())
    assert not events.commits(Idle())
    assert events.encode(Overdue())


@pytest.mark.parametrize("accept", ["text/plain", "application/jsonl", "text/event-stream", "application/json"])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 4096])
def test_padding_has_the_size_that_was_asked_for(accept: str, size: int) -> None:
    """And readers skip it: white space, blank lines, a comment."""
    padding = encoder(accept).padding(size)

    assert len(padding) == size
    assert not padding.replace(b":", b"").strip()
    assert json.loads(padding.replace(b":", b"") + b"{}") == {}


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def raw(*parts: Partial | Idle) -> tuple[str, str]:
    """Return what was sent before the answer was known to be good, and what after it."""
    text = encoder("text/plain")
    return "".join(text.encode(part).decode() for part in parts), text.complete(ANSWER).decode()


@pytest.mark.parametrize(
    ("parts", "sent", "withheld"),
    [
        (['{"a":', "1}"], '{"a":1', "}"),
        (['{"a":1} \n'], '{"a":1', "} \n"),
        (['{"a":1}', "\n", " "], '{"a":1', "}\n "),
        ([" ", '[1,"x"]'], "", ' [1,"x"]'),
        ([" ", "[1,", "2]"], " [1,2", "]"),
        (['"ab', 'c"'], '"abc', '"'),
        (["12", "3"], "", "123"),
        (["tr", "ue"], "", "true"),
        (["{}"], "{", "}"),
    ],
)
def test_raw_text_withholds_what_would_look_complete(parts: list[str], sent: str, withheld: str) -> None:
    """Text is sent as it is, but for its last bracket; a root without brackets is withheld from its beginning."""
    texts = ["".join(parts[: index + 1]) for index in range(len(parts))]
    events = [partial(part, is_complete=is_json(text)) for part, text in zip(parts, texts, strict=True)]

    assert raw(*events) == (sent, withheld)


def test_raw_text_keeps_a_connection_open_only_between_tokens() -> None:
    """White space inside a string or a number would change the answer."""
    assert raw(
        partial('{"a":"x', between_tokens=False), Idle(), partial('",', between_tokens=True), Idle(), Idle()
    ) == ('{"a":"x",  ', "")
    assert raw(partial('{"a":1}', is_complete=True), Idle()) == ('{"a":1 ', "}")
    assert raw(partial('"x"', is_complete=True), Idle()) == ('"x', '"')
    assert raw(Idle()) == ("", "")


def test_raw_text_commits_only_to_text_that_can_be_sent() -> None:
    text = encoder("text/plain")

    assert not text.commits(Overdue())
    assert not text.commits(partial(" "))
    assert not text.commits(partial("12"))
    assert text.commits(partial("{"))


def test_a_json_document_is_sent_in_one_piece() -> None:
    document = encoder("application/json")

    assert document.encode(DELTA) == document.encode(Idle()) == b""
    assert not document.commits(DELTA)
    assert document.complete(ANSWER) == '{"summary":"Grüße"}'.encode()
    assert document.headers == {"Content-Type": "application/json", "Cache-Control": "no-store"}


@pytest.mark.parametrize("accept", ["text/plain", "application/jsonl", "text/event-stream"])
def test_proxies_are_asked_to_pass_a_stream_on(accept: str) -> None:
    headers = encoder(accept).headers

    assert headers["Cache-Control"] == "no-cache, no-transform"
    assert headers["X-Accel-Buffering"] == "no"
