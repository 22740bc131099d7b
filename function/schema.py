"""The default request, answer and instructions. Edit them, or set `request`, `schema` and `instructions`."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, model_validator
from pydantic_core import PydanticCustomError

from .endpoint import Message, Prompt

INSTRUCTIONS = "You explain topics to software teams: clearly, correctly and without padding."


class Request(BaseModel):
    """What a client can send: `prompt`, or a conversation as `messages`.

    The model receives `prompt`. A request class of your own needs it too, as a field or as a property.
    """

    model_config = ConfigDict(extra="forbid")

    prompt: Annotated[str | Prompt, GetPydanticSchema(lambda _, read: read(str))] = Field(
        default="What is serverless computing?", min_length=1
    )
    messages: list[Message] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def prompt_of_messages(self) -> Self:
        """Make the prompt of the messages, if they were sent."""
        if self.messages is not None:
            if "prompt" in self.model_fields_set:
                raise PydanticCustomError("prompt_and_messages", "Send either prompt or messages.")
            self.prompt = Prompt(self.messages)
        return self


class Answer(BaseModel):
    """An explanation of one topic."""

    summary: str = Field(description="A summary of the topic in a few sentences.")
    keywords: list[str] = Field(description="The most important terms of the topic.")
