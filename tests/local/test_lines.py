import json

import pytest

from local.lines import curl, readable


def test_the_curl_line_is_one_that_a_shell_understands() -> None:
    """The body is JSON in single quotes; nothing is buffered."""
    assert curl("http://h/v1/stream") == 'curl --no-buffer http://h/v1/stream -d \'{"prompt": "Why is the sky blue?"}\''


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            {
                "stage": "log",
                "message": "request completed",
                "first_chunk_ms": 5,
                "last_chunk_ms": 9,
                "chunks": 3,
                "gen_ai.response.model": "claude",
            },
            "log       request completed: first chunk after 5 ms, last after 9 ms, 3 chunks, model claude",
        ),
        (
            {
                "stage": "log",
                "message": "request failed",
                "error.type": "model_failed",
                "first_chunk_ms": None,
                "causes": [{"type": "ModelFailed"}, {"type": "ProtocolError"}],
            },
            "log       request failed: model_failed, caused by ModelFailed < ProtocolError",
        ),
        ({"stage": "store", "message": "record stored"}, "store     record stored"),
        ({"message": "function started", "service.version": "0.1.0+abc"}, "function  started, build 0.1.0+abc"),
        ({"_aws": {}}, None),
        ({"message": "something else"}, 'function  {"message": "something else"}'),
        ([1], "function  [1]"),
    ],
)
def test_a_line_of_the_function_is_shortened_for_people(line: object, expected: str | None) -> None:
    """Stages in a few words, metrics not at all, anything else as it is."""
    assert readable(json.dumps(line)) == expected


def test_text_that_is_no_json_stays_as_it_is() -> None:
    """Such as a traceback."""
    assert readable("Traceback …\rError") == "function  Traceback …\n          Error"


def test_a_line_cannot_drive_the_terminal() -> None:
    """Neither a stage's nor another one."""
    assert readable("\x1b[2J") == "function  \\x1b[2J"
    assert readable(json.dumps({"stage": "log", "message": "\u202e"})) == "log       \\u202e"
