"""The invoice as a client sends it, and what the model reads in it."""

from base64 import b64encode
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from streaming_llm_api.endpoint import Document, Image, Message, Prompt

DATA = b64encode(Path(__file__).with_name("coffee.txt").read_bytes()).decode()


class Upload(BaseModel):
    """One invoice: a text, a pdf or an office file, or an image of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"file": {"mediaType": "text/plain", "data": DATA}}]})

    file: Document | Image

    @property
    def prompt(self) -> Prompt:
        """What the model is given."""
        instructions = "You read invoices. Write amounts as they are printed."
        return Prompt([Message("user", ["What has to be paid?", self.file])], instructions=instructions)


class Invoice(BaseModel):
    """What matters of an invoice."""

    customer: str
    total: float = Field(ge=0, description="The amount to pay.")
