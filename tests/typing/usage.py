"""What users write, type-checked and never run: if this file fails, a documented call has stopped fitting its types."""

from typing import assert_type

from pydantic import BaseModel

from components import StreamingLlmApi
from function.partials import Change, Partials
from local.bedrock.script import complete_answer
from local.bedrock.server import Bedrock
from local.twin import Twin


class Invoice(BaseModel):
    """A user's schema."""

    customer: str


def watch_an_object_grow(fragments: list[str]) -> Invoice:
    """Partials stand on their own."""
    partials = Partials(Invoice)
    for fragment in fragments:
        assert_type(partials.feed(fragment), list[Change])
    return assert_type(partials.finish(), Invoice)


def watch_a_list_grow(text: str) -> list[int]:
    """Any type that Pydantic knows will do."""
    partials = Partials(list[int])
    partials.feed(text)
    return assert_type(partials.finish(), list[int])


def declare_an_endpoint() -> None:
    """The component takes plain arguments."""
    StreamingLlmApi("invoices", {"schema": "schemas:Invoice", "code": "schemas", "timeout": 60})


def test_against_a_scripted_model() -> None:
    """A user's own tests may run the whole chain."""
    with Bedrock() as bedrock, Twin(bedrock) as twin:
        bedrock.play(complete_answer('{"customer": "Ada"}'))
        assert_type(twin.post({"prompt": "Why?"}).body(), bytes)
