"""What goes in and what comes out: edit this, or name classes of your own with `request`, `schema`, `instructions`."""

from pydantic import BaseModel, ConfigDict, Field

INSTRUCTIONS = "You explain topics to software teams: clearly, correctly and without padding."


class Request(BaseModel):
    """What a caller may send. The model is given `prompt`; a request class of your own has one too."""

    model_config = ConfigDict(extra="forbid")

    prompt: str = Field(default="What is serverless computing?", min_length=1)


class Answer(BaseModel):
    """An explanation of one topic."""

    summary: str = Field(description="A summary of the topic in a few sentences.")
    keywords: list[str] = Field(description="The most important terms of the topic.")
