"""The Python client and the whole chain: gateway, function and model, through real processes and sockets."""

import pytest

from function.schema import Answer
from local.bedrock.script import Cut, Fragment, Hold, Refuse, Stop, complete_answer
from local.bedrock.server import Bedrock
from local.twin import Twin
from streaming_llm_client import AnswerFailed, Client, EndpointFailed, RequestRefused, Unavailable

DOCUMENT = '{"summary": "Grüße 🙂", "keywords": ["a", "b"]}'


def test_the_client_knows_how_each_answer_ended(twin: Twin, bedrock: Bedrock) -> None:
    """A partial is there before the model goes on; each failure has its class, and what had arrived."""
    with Client(twin.url, retries=0) as client:
        bedrock.play([Fragment(DOCUMENT[:15]), Hold("seen"), *complete_answer(DOCUMENT[15:])])
        with client.stream(Answer, prompt="Why?") as stream:
            partials = iter(stream)
            assert next(partials).get("/summary") == "Gr"
            bedrock.release("seen")
            *_, last = partials
            assert last.is_closed("")
            assert stream.final() == Answer(summary="Grüße 🙂", keywords=["a", "b"])
            assert stream.stop_reason == "end_turn"

        bedrock.play([Refuse("ThrottlingException")])
        with pytest.raises(Unavailable) as busy:
            client.stream(Answer, prompt="Why?").final()
        assert (busy.value.code, busy.value.status, busy.value.retry_after) == ("model_busy", 429, 5)

        bedrock.play([Fragment(DOCUMENT[:30]), Cut()])
        with pytest.raises(EndpointFailed) as cut:
            client.stream(Answer, prompt="Why?").final()
        assert (cut.value.code, cut.value.partial) == ("model_failed", {"summary": "Grüße 🙂"})

        bedrock.play([Fragment(DOCUMENT[:-1]), Stop("max_tokens")])
        with pytest.raises(AnswerFailed, match="answer_truncated"):
            client.stream(Answer, prompt="Why?").final()

        with pytest.raises(RequestRefused) as blank:
            client.stream(Answer, prompt="").final()
        assert blank.value.problem is not None
        assert blank.value.problem["errors"] == [{"path": "/prompt", "rule": "string_too_short"}]
        assert blank.value.request_id == blank.value.problem["requestId"]
