"""Request classes that make their prompt of another field, or of none."""

from pydantic import BaseModel


class Question(BaseModel):
    """Its prompt is made of its one field."""

    topic: str = "the sky"

    @property
    def prompt(self) -> str:
        return f"Explain {self.topic}."


class Greeting(BaseModel):
    """Its prompt shows nothing of its field."""

    language: str = "en"

    @property
    def prompt(self) -> str:
        return "Greet the team."
