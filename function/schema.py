"""The default request, answer and instructions. Edit them, or set `request`, `schema` and `instructions`."""

from pydantic import BaseModel, ConfigDict, Field

INSTRUCTIONS = "You explain topics to software teams: clearly, correctly and without padding."


class Request(BaseModel):
    """What a caller can send. The model receives `prompt`; a request class of your own must have one too."""

    model_config = ConfigDict(extra="forbid")

    prompt: str = Field(default="What is serverless computing?", min_length=1)


class Answer(BaseModel):
    """An explanation of one topic."""

    summary: str = Field(description="A summary of the topic in a few sentences.")
    keywords: list[str] = Field(description="The most important terms of the topic.")
