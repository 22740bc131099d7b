"""What the marketing team's endpoint answers."""

from pydantic import BaseModel, Field


class Answer(BaseModel):
    """Copy for a product page."""

    headline: str = Field(description="At most ten words.")
    body: str
    calls_to_action: list[str]
