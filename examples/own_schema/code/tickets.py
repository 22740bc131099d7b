"""What comes in and what goes out. These modules run in the function, and at deploy time only to be checked."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

INSTRUCTIONS = "You triage support tickets for a small software company. Be factual and brief."


class Ticket(BaseModel):
    """A ticket as the help desk sends it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"subject": "Export fails", "text": "Every export stops at 90 %."}]}
    )

    subject: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1)

    @property
    def prompt(self) -> str:
        """What the model is given."""
        return f"Subject: {self.subject}\n\n{self.text}"


class Triage(BaseModel):
    """What to do with a ticket."""

    category: Literal["bug", "question", "billing", "other"]
    urgency: int = Field(ge=1, le=5, description="5 is for customers who cannot work.")
    summary: str = Field(description="One sentence.")
    next_steps: list[str] = Field(description="What the team should do, in order.")
