"""The user's classes and texts: what a reference may name, and the error when it names something else."""

from functools import partial

import pytest

from function.contract import SettingsError
from function.schema import INSTRUCTIONS, Request
from function.user_code import is_async, load, load_instructions, load_prepare, load_request_class, load_stage


@pytest.mark.parametrize("reference", ["no_such_module:Name", "json:NoSuchName"])
def test_a_name_that_is_not_there_is_reported_with_its_variable(reference: str) -> None:
    """And with the reason that Python gives."""
    with pytest.raises(SettingsError, match=rf"^LLM_SCHEMA must name a class; got '{reference}' \(.+\)\.$"):
        load("schema", reference, "a class")


def test_what_fits_is_returned() -> None:
    assert load_request_class("function.schema:Request") is Request
    assert load_instructions("function.schema:INSTRUCTIONS") == INSTRUCTIONS


@pytest.mark.parametrize("reference", ["function.schema:Answer", "function.schema:INSTRUCTIONS", "threading:Lock"])
def test_a_request_is_a_model_with_a_prompt(reference: str) -> None:
    expected = "a Pydantic class with a field or a property `prompt`"
    with pytest.raises(SettingsError, match=f"^LLM_REQUEST must name {expected}; got '{reference}'.$"):
        load_request_class(reference)


def test_a_request_needs_no_prompt_where_own_code_makes_it() -> None:
    assert load_request_class("function.schema:Answer", with_prompt=False)
    with pytest.raises(SettingsError, match=r"^LLM_REQUEST must name a Pydantic class; got 'threading:Lock'\.$"):
        load_request_class("threading:Lock", with_prompt=False)


@pytest.mark.parametrize("name", ["prepare", "with_names"])
def test_prepare_takes_a_request_and_a_call(name: str) -> None:
    assert callable(load_prepare(f"tests.wire.prepared:{name}"))


@pytest.mark.parametrize("name", ["no_such", "SECRET", "with_one", "with_three"])
def test_prepare_is_a_function_with_two_positional_parameters(name: str) -> None:
    expected = "a function with two positional parameters"
    with pytest.raises(SettingsError, match=f"^LLM_PREPARE must name {expected}; got 'tests.wire.prepared:{name}'"):
        load_prepare(f"tests.wire.prepared:{name}")


@pytest.mark.parametrize("name", ["tell", "last", "later"])
def test_a_stage_takes_a_record(name: str) -> None:
    assert callable(load_stage(f"tests.wire.staged:{name}"))


@pytest.mark.parametrize("name", ["no_such", "SECRET", "with_two"])
def test_a_stage_is_a_function_with_one_parameter(name: str) -> None:
    expected = "a function with one parameter"
    with pytest.raises(SettingsError, match=f"^LLM_STAGES must name {expected}; got 'tests.wire.staged:{name}'"):
        load_stage(f"tests.wire.staged:{name}")


def test_instructions_are_a_string() -> None:
    with pytest.raises(SettingsError, match=r"^LLM_INSTRUCTIONS must name a string; got 'function.schema:Answer'\.$"):
        load_instructions("function.schema:Answer")


class Asynchronous:
    async def __call__(self) -> None:
        """Is what has to be awaited."""


async def function(_: int) -> None:
    """Has to be awaited."""


def test_an_object_with_an_async_call_is_async_too() -> None:
    assert all(is_async(each) for each in (function, partial(function, 1), Asynchronous()))
    assert not any(is_async(each) for each in (len, partial(len, ""), Asynchronous))
