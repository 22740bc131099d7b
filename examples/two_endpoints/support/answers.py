"""What the support team's endpoint answers."""

from pydantic import BaseModel, Field


class Answer(BaseModel):
    """An answer to a customer."""

    reply: str = Field(description="Ready to be sent.")
    needs_human: bool = Field(description="Whether a colleague should read it first.")
