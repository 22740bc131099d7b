"""The booking, and the conversation that fills it in."""

from pydantic import BaseModel, ConfigDict, Field
from streaming_llm_api.endpoint import Message, Prompt


class Chat(BaseModel):
    """The conversation so far. The client keeps it: the endpoint remembers nothing."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"messages": [
        {"role": "user", "content": "A table in Rome for two, please. My name is Ada."},
        {"role": "assistant", "content": {"name": "Ada", "city": "Rome", "guests": 2}},
        {"role": "user", "content": "Make it three guests."},
    ]}]})  # fmt: skip

    messages: list[Message] = Field(min_length=1, max_length=40)

    @property
    def prompt(self) -> Prompt:
        """What the model is given."""
        return Prompt(self.messages, instructions="Fill in the booking. Keep what was said before.")


class Booking(BaseModel):
    """A table in a restaurant."""

    name: str = Field(description="Who books.")
    city: str
    guests: int = Field(ge=1, le=20)
