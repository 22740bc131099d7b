import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.bedrock.call import Call
from local.bedrock.script import Fail, Fragment, Refuse, Stop, Usage
from local.models.chat import Chat, list_models
from local.models.openai import ModelUnavailable
from tests.local.models.openai import OpenAi, delta

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
def call() -> Call:
    return Call("anthropic.claude-haiku-4-5", ASKED)


def test_a_chat_models_stream_becomes_the_steps_of_an_answer(openai: OpenAi, call: Call) -> None:
    """Text as it comes, the reason of the stop in Bedrock's words, the tokens."""
    usage = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
    openai.say(delta(""), delta('{"a"'), delta(": 1}"), delta(None, "stop"), usage)

    assert list(Chat(openai.url, "m")(call)) == [Fragment('{"a"'), Fragment(": 1}"), Stop("end_turn"), Usage(9, 2)]


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


def test_the_models_of_a_server_are_listed(openai: OpenAi) -> None:
    """Its first one answers where none was named."""
    assert list_models(f"{openai.url}/") == ["first", "second"]


def test_a_server_that_is_not_there_is_one_line(openai: OpenAi) -> None:
    """It names the URL."""
    openai.server.close()

    with pytest.raises(ModelUnavailable, match=r"^no server answers at http://127\.0\.0\.1[^\n]+Start it"):
        list_models(openai.url)


@pytest.mark.parametrize(("reason", "expected"), [("length", "max_tokens"), ("content_filter", "content_filtered")])
def test_other_reasons_have_bedrocks_names(openai: OpenAi, call: Call, reason: str, expected: str) -> None:
    """So the function judges them as it would on AWS."""
    openai.say(delta("x", reason))

    assert list(Chat(openai.url, "m")(call)) == [Fragment("x"), Stop(expected)]


@pytest.mark.parametrize(
    ("status", "code"), [(429, "ThrottlingException"), (400, "ValidationException"), (500, "ValidationException")]
)
def test_a_refusal_of_the_server_is_a_refusal_of_bedrock(openai: OpenAi, call: Call, status: int, code: str) -> None:
    """With the message of the server."""
    openai.status = status

    [step] = list(Chat(openai.url, "m")(call))

    assert isinstance(step, Refuse)
    assert (step.code, "overloaded" in step.message) == (code, True)


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
    ("words", "message"),
    [
        (b"-ERR unknown command\r\n\r\n", "sent no HTTP response"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"data": [{"id": 1}]}', "its body was cut"),
        (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>\n<h1>Hello",
            "without a list of models: '<html> <h1>Hello'",
        ),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[]", "without a list of models: '[]'"),
        (b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"data": []}', "has no model. Load one first."),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answered 404 Not Found"),
        (
            b'HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n{"error": {"message": "No key."}}',
            "answered 403 Forbidden: 'No key.'",
        ),
        (b"HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\nbroken\x1b[2J", "answered 500 Oops: 'broken\\x1b[2J'"),
        (b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n", "answered 301 Moved"),
    ],
    ids=repr,
)
def test_a_server_of_something_else_is_one_line(words: bytes, message: str) -> None:
    """The URL may name any server: its status and its message are shown."""
    with answering(words) as url, pytest.raises(ModelUnavailable, match=r"^[^\n]+$") as caught:
        list_models(url)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "Allow access without a key, which the local stack does not send, or use another server."),
        (403, "Allow access without a key, which the local stack does not send, or use another server."),
        (404, "Expected the base URL of an OpenAI-compatible server, such as http://localhost:11434/v1."),
        (500, "Look into the log of the server."),
    ],
)
def test_what_to_do_depends_on_the_status(status: int, advice: str) -> None:
    words = f"HTTP/1.1 {status} Status\r\nContent-Length: 0\r\n\r\n".encode()
    with answering(words) as url, pytest.raises(ModelUnavailable) as caught:
        list_models(url)

    assert str(caught.value).endswith(f": ''. {advice}")


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

    assert first == Fragment("{")
    assert isinstance(last, Fail)


def test_a_stream_that_breaks_off_fails_in_the_stream(openai: OpenAi, call: Call) -> None:
    """Text is delivered first; there is no stop."""
    openai.say(delta("x"))
    openai.lines.pop()
    openai.is_cut = True

    steps = list(Chat(openai.url, "m")(call))

    assert steps[0] == Fragment("x")
    assert isinstance(steps[1], Fail)
