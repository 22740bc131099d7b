"""Models to call, as the handler makes them, and what is read of them."""

from functools import cache

import botocore.session
import pytest
from botocore.session import Session

from function.aws.bedrock.call import BedrockModel, Call, Clients
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

_MADE: list[BedrockModel] = []


@cache
def shared_session() -> Session:
    """Return a session that all tests share, as all requests of a sandbox do: it loads botocore's data once."""
    return botocore.session.get_session()


def converse(**variables: str) -> Converse:
    """Return what is sent to the model, for settings without their prefix."""
    settings = read_settings({f"LLM_{name.upper()}": value for name, value in variables.items()})
    return Converse(settings, Answer.model_json_schema(), "Explain.")


def model(session: Session | None = None, **variables: str) -> BedrockModel:
    """Return a model; its connections are closed after the test.

    With fallback models, others can be called in its place.
    """
    repeats = "fallback_models" not in variables
    made = BedrockModel(converse(**variables), Clients(session or shared_session()), repeats=repeats)
    _MADE.append(made)
    return made


def close_models() -> None:
    """Close connections that would otherwise live as long as the process."""
    while _MADE:
        client = _MADE.pop().clients.latest
        if client:
            client.close()


def ask(
    model: BedrockModel,
    previous: AnswerInvalid | AnswerNotJson | None = None,
    read_timeout: float = 30,
    *,
    prompt: str | Conversation = "Why?",
) -> Call:
    """Return a call."""
    return model.ask(prompt, Calls(), previous, read_timeout)


def text(events: list[ModelEvent]) -> str:
    """Return the text of all deltas."""
    return "".join(event.text for event in events if isinstance(event, Delta))


def failure(bedrock: Bedrock, *steps: Step) -> ModelError:
    """Return the error that a call with this script raises."""
    bedrock.play(list(steps))
    with pytest.raises(ModelError) as caught:
        list(ask(model()))
    return caught.value
