"""The formats, byte for byte."""

import json
from dataclasses import dataclass

import pytest

from function.partials import Change, Partials, applied
from function.stream.encoders import DELTA_LIMIT, THINKING_LIMIT, Encoder
from function.stream.errors import AnswerInvalid
from function.stream.events import Complete, Idle, Overdue, Partial, Thinking, Usage
from function.stream.negotiation import choose_format
from function.stream.record import Calls, Start
from tests.formats import FORMATS, LINES, SSE, STREAMED, TYPED

START = Start("req-1", "model-1", 100, lambda: 412, 0.0, Calls())
ANSWER = Complete({"summary": "Grüße"}, "end_turn", Usage(12, 80), 75)
PROBLEM = {"type": "urn:x", "status": 502}


def encoder(accept: str | None) -> Encoder:
    return choose_format(accept).encoder(START)


def called(accept: str, model_id: str) -> Encoder:
    """Return the encoder of a request for which a model was called."""
    calls = Calls()
    calls.add(model_id)
    return choose_format(accept).encoder(START._replace(calls=calls))


@dataclass(frozen=True)
class Shown:
    """A document at one moment."""

    live: object
    is_complete: bool = False
    between_tokens: bool = False


def partial(text: str, *changes: Change, is_complete: bool = False, between_tokens: bool = True) -> Partial:
    return Partial(text, list(changes), Shown({"summary": "so far"}, is_complete, between_tokens))


DELTA = partial('{"summary":"Gr', Change("", value={}), Change("/summary", append="Gr"), between_tokens=False)


def test_the_last_event_names_the_model_that_was_called_last() -> None:
    assert called("application/jsonl", "model-2").failed(PROBLEM) == (
        b'{"type":"error","at":412,"model":"model-2","problem":{"type":"urn:x","status":502}}\n'
    )
    message = called("text/event-stream", "model-2").complete(ANSWER).decode()
    assert message.startswith('id: 1\nevent: complete\ndata: {"type":"complete","at":412,"model":"model-2","value":')


@pytest.mark.parametrize(("is_early", "members"), [(False, '"id":"req-1","model":"model-2"'), (True, '"id":"req-1"')])
def test_a_start_names_no_model_while_it_is_open_which_one_answers(*, is_early: bool, members: str) -> None:
    calls = Calls()
    calls.add("model-2")
    several = choose_format("application/jsonl").encoder(START._replace(calls=calls, has_fallbacks=True))
    assert several.opening(is_early=is_early).decode() == f'{{"type":"start","at":412,{members}}}\n'
    assert b'"model":"model-1"' in encoder("application/jsonl").opening(is_early=is_early)


def test_json_lines_are_one_event_per_line() -> None:
    lines = encoder("application/jsonl")

    assert lines.opening() == b'{"type":"start","at":412,"id":"req-1","model":"model-1"}\n'
    assert lines.encode(DELTA) == (
        b'{"type":"delta","at":412,"changes":[{"path":"","value":{}},{"path":"/summary","append":"Gr"}]}\n'
    )
    assert lines.encode(Thinking()) == b'{"type":"thinking","at":412}\n'
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


def test_complete_has_every_count_of_tokens_that_was_reported() -> None:
    answer = Complete(1, "end_turn", Usage(12, 80, 4100, 0, 60), 75)

    assert json.loads(encoder("application/jsonl").complete(answer))["usage"] == {
        "inputTokens": 12,
        "outputTokens": 80,
        "cacheReadTokens": 4100,
        "cacheWriteTokens": 0,
        "thinkingTokens": 60,
    }


@pytest.mark.parametrize("accept", [*TYPED, f"{LINES}; view=snapshot"])
def test_a_sign_of_thinking_has_the_text_that_came_up_to_a_limit_of_all_of_it(accept: str) -> None:
    """Signs go on without text then, and half a character is left out."""
    events = encoder(accept)
    shown = [
        json.loads(_data(events.encode(Thinking(text)))) for text in ("ab", "", (THINKING_LIMIT - 3) * "c", "ü", "d")
    ]

    assert [event.get("text") for event in shown] == ["ab", None, (THINKING_LIMIT - 3) * "c", None, None]
    assert shown[1] == {"type": "thinking", "at": 412}


def _data(event: bytes) -> str:
    return next(line.removeprefix("data: ") for line in event.decode().splitlines() if "{" in line)


@pytest.mark.parametrize("accept", [*TYPED, f"{SSE}; view=snapshot"])
def test_an_event_is_one_line_to_every_reader(accept: str) -> None:
    """Some end lines at every character of Unicode that may end one: str.splitlines, and httpx with it."""
    words = "a\x85b\u2028c\u2029d\x0b\x0c\x1c\x1d\x1e\r\ne ü"
    change = Change(f"/{words}", value=words)
    written = Partial(words, [change], Shown({words: words}))
    typed = encoder(accept)
    answer = Complete({words: words}, "end_turn", None, 1)
    events = [
        typed.encode(written),
        typed.encode(Thinking(words)),
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


@pytest.mark.parametrize("accept", TYPED)
def test_usage_that_never_came_is_estimated(accept: str) -> None:
    written = encoder(accept).complete(Complete([], "end_turn", None, 75)).decode()

    assert '"usage":null,"outputTokensEstimated":75}' in written


@pytest.mark.parametrize("accept", TYPED)
def test_typed_formats_commit_to_words_or_to_the_end_of_patience(accept: str) -> None:
    events = encoder(accept)

    assert events.commits(DELTA)
    assert events.commits(Overdue())
    assert not events.commits(Idle())
    assert events.encode(Overdue())


@pytest.mark.parametrize("accept", FORMATS)
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


@pytest.mark.parametrize("accept", STREAMED)
def test_proxies_are_asked_to_pass_a_stream_on(accept: str) -> None:
    headers = encoder(accept).headers

    assert headers["Cache-Control"] == "no-cache, no-transform"
    assert headers["X-Accel-Buffering"] == "no"


def _changes(written: bytes) -> list[Change]:
    events = [json.loads(line) for line in written.decode().splitlines()]
    assert {event["type"] for event in events} == {"delta"}
    return [Change(**change) for event in events for change in event["changes"]]


@pytest.mark.parametrize(
    "changes",
    [
        [Change("", value=[]), *(Change(f"/{index}", value=1, closed=True) for index in range(20_000))],
        [Change("", value="ü\u2028" * 300_000, closed=True)],
        [Change("", value="a"), Change("", append="\x01" * 400_000, closed=True)],
    ],
    ids=["many", "long value", "long append"],
)
def test_a_delta_that_is_too_long_is_sent_as_several(changes: list[Change]) -> None:
    """Together they make the same object, and its value closes once, with the last one."""
    written = encoder("application/jsonl").encode(partial("x" * 1000, *changes))
    received = _changes(written)

    assert len(written.splitlines()) > 1
    assert max(map(len, written.splitlines())) <= DELTA_LIMIT
    assert applied(received) == applied(changes)
    assert [change.path for change in received if change.closed] == [change.path for change in changes if change.closed]


@pytest.mark.parametrize("view", ["", "; view=snapshot"])
def test_a_path_that_is_too_long_ends_the_answer(view: str) -> None:
    """Every change would repeat it. The problem names as much of it as an event may."""
    typed = encoder(f"application/jsonl{view}")
    typed.encode(partial("{", Change("/" + "k" * 511, value=1)))

    with pytest.raises(AnswerInvalid) as caught:
        typed.encode(partial("{", Change("/" + "k" * 512, value=1)))

    assert (caught.value.path, caught.value.rule) == ("/" + "k" * 511, "path_too_long")


def test_of_values_with_long_paths_that_end_together_only_the_outermost_is_named() -> None:
    """It says that all inside is final too. Short paths are named each."""
    long = "/" + "k" * 256
    ends = [Change(path, append="", closed=True) for path in (f"{long}/0/0", f"{long}/0", long, "")]
    short = [Change(path, append="", closed=True) for path in ("/a/0", "/a", "")]

    assert [each.path for each in _changes(encoder("application/jsonl").encode(partial("]]}", *ends)))] == [""]
    assert _changes(encoder("application/jsonl").encode(partial("]]}", *short))) == [
        change._replace(append=None) for change in short
    ]


@pytest.mark.parametrize("accept", ["application/jsonl; view=snapshot", "text/event-stream; view=snapshot"])
@pytest.mark.parametrize("size", [1, 7, 500])
def test_all_snapshots_together_are_linear_in_the_text(accept: str, size: int) -> None:
    """Those that would be too much wait; the last one is the document."""
    document = json.dumps([{"name": "tea", "quantity": index} for index in range(3000)])
    growing: Partials[list[dict[str, object]]] = Partials(list[dict[str, object]])
    typed = encoder(accept)
    sent = 0
    last = b""
    for start in range(0, len(document), size):
        text = document[start : start + size]
        changes = growing.feed(text)
        chunk = typed.encode(Partial(text, changes, growing))
        sent += len(chunk)
        last = chunk or last
        assert growing.is_complete or sent <= 16 * (start + len(text)) + 64 * 1024

    [data] = [line for line in last.decode().splitlines() if "snapshot" in line and "{" in line]
    assert json.loads(data.removeprefix("data: "))["value"] == json.loads(document)
    assert sent > 4 * len(document)


def test_a_short_answer_has_a_snapshot_for_each_fragment() -> None:
    typed = encoder("application/jsonl; view=snapshot")

    assert all(typed.encode(partial("ab", Change("/summary", append="ab"))) for _ in range(100))


def test_snapshots_of_another_attempt_begin_with_nothing() -> None:
    """What waited is void, and a short object is not held back for the length of the one before."""
    typed = encoder("application/jsonl; view=snapshot")
    large = Partial("x", [Change("", value={})], Shown("x" * 100_000))
    assert typed.encode(large) == b""
    typed.restart(PROBLEM)

    assert typed.encode(partial(" ")) == b""
    assert typed.encode(DELTA) != b""
