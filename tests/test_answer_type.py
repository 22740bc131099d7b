"""The type of the answer: its schema, the names of its fields, and its values as JSON."""

import json
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from function.answer_type import AnswerType
from function.contract import SettingsError


class Part(BaseModel):
    unit_price: float = Field(alias="unitPrice")


class Order(BaseModel):
    title: str
    parts: list[Part]
    by_name: dict[str, Part] = Field(default_factory=dict)


Parts = Annotated[list[Part], Field(max_length=3)]


def test_every_field_name_of_the_schema_is_known() -> None:
    """Those of nested models too, under the names that JSON has for them; the keys of a free dictionary are not."""
    assert AnswerType(f"{__name__}:Order").field_names == {"title", "parts", "by_name", "unitPrice"}


def test_a_type_that_is_not_a_model_is_an_answer_too() -> None:
    answer = AnswerType(f"{__name__}:Parts")

    assert answer.schema["maxItems"] == 3
    assert answer.to_json([Part(unitPrice=1.5)]) == [{"unitPrice": 1.5}]


def test_numbers_that_json_does_not_have_are_null() -> None:
    answer = AnswerType(f"{__name__}:Part").to_json(Part(unitPrice=float("nan")))

    assert json.dumps(answer, allow_nan=False) == '{"unitPrice": null}'


@pytest.mark.parametrize("reference", ["no_such_module:Answer", "function.schema:Nothing", "threading:Lock"])
def test_a_reference_that_cannot_be_used_is_a_wrong_setting(reference: str) -> None:
    with pytest.raises(SettingsError, match=f"^LLM_SCHEMA must name .*; got '{reference}'"):
        AnswerType(reference)
