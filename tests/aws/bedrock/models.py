"""Models to call, as the handler makes them, and what is read of them."""

from functools import cache

import pytest
from botocore.session import Session
from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

from function.aws.bedrock.call import BedrockModel, Call, make_client, model_session
from function.aws.bedrock.converse import Converse
from function.contract import read_settings
from function.conversation import Conversation
from function.schema import Answer
from function.stream.errors import AnswerInvalid, AnswerNotJson, ModelError
from function.stream.events import Delta, ModelEvent
from function.stream.record import Calls
from local.bedrock.script import Step
from local.bedrock.server import Bedrock

DOCUMENT = '{"summary": "Grüße", "keywords": ["a"]}'
OLD_MODEL = "anthropic.claude-3-5-sonnet-20241022-v2:0"

_MADE: list[BedrockRuntimeClient] = []


@cache
def shared_session() -> Session:
    """Return a session that all tests share, as all requests of a sandbox do: it loads botocore's data once."""
    return model_session()


def converse(**variables: str) -> Converse:
    """Return what is sent to the model, for settings without their prefix."""
    settings = read_settings({f"LLM_{name.upper()}": value for name, value in variables.items()})
    return Converse(settings, Answer.model_json_schema(), "Explain.")


def model(session: Session | None = None, **variables: str) -> BedrockModel:
    """Return a model; its connections are closed after the test.

    With fallback models, others can be called in its place.
    """
    client = _kept(make_client(session or shared_session()))
    return BedrockModel(converse(**variables), client, repeats="fallback_models" not in variables)


def impatient_model() -> BedrockModel:
    """Return a model whose reads wait for 0.2 seconds."""
    return BedrockModel(converse(), _kept(make_client(shared_session(), 0.2)))


def _kept(client: BedrockRuntimeClient) -> BedrockRuntimeClient:
    _MADE.append(client)
    return client


def close_models() -> None:
    """Close connections that would otherwise live as long as the process."""
    while _MADE:
        _MADE.pop().close()


def ask(
    model: BedrockModel,
    previous: AnswerInvalid | AnswerNotJson | None = None,
    *,
    prompt: str | Conversation = "Why?",
) -> Call:
    """Return a call."""
    return model.ask(prompt, Calls(), previous)


def text(events: list[ModelEvent]) -> str:
    """Return the text of all deltas."""
    return "".join(event.text for event in events if isinstance(event, Delta))


def failure(bedrock: Bedrock, *steps: Step) -> ModelError:
    """Return the error that a call with this script raises."""
    bedrock.play(list(steps))
    with pytest.raises(ModelError) as caught:
        list(ask(model()))
    return caught.value
