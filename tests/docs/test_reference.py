"""The tables of the component and the config block of Pulumi.yaml say what the code does."""

import re
from http import HTTPStatus
from typing import Any

import pytest
import yaml

from components import StreamingLlmApi, StreamingLlmApiArgs
from components.arguments import RouteArgs
from components.contract import SETTINGS, as_text, camel, variable
from components.options import Options
from components.parsing import checked, default_throttle, settings_with_an_argument
from components.values import InvalidArgument, arguments_of
from docs import reference
from function.aws.bedrock.converse import DEFAULT_TEMPERATURE
from function.contract import (
    BODY_LIMIT,
    BODY_LIMIT_WITH_FILES,
    DEFAULT_MAX_TOKENS,
    DEFAULT_TIMEOUT,
    LONGEST_TIMEOUT,
    MAX_TOKENS_WITH_THINKING,
    TIMEOUT_WITH_THINKING,
    Authorization,
    margin,
)

INPUTS: dict[str, Any] = reference.schema()["resources"][reference.COMPONENT]["inputProperties"]
CONFIG: dict[str, Any] = yaml.safe_load(reference.config())["config"]
DEPENDS = {"runtime", "throttle", "timeout"}
"""Arguments whose default depends on something else, which their description says."""
OPEN, CLOSED = default_throttle(Authorization.NONE), default_throttle(Authorization.IAM)
NUMBERS = {
    "body_limit": [BODY_LIMIT_WITH_FILES, BODY_LIMIT],
    "head_within": [HTTPStatus.OK],
    "max_tokens": [DEFAULT_MAX_TOKENS, MAX_TOKENS_WITH_THINKING],
    "temperature": [DEFAULT_TEMPERATURE],
    "throttle": [OPEN.rate, OPEN.burst, CLOSED.rate, CLOSED.burst],
    "timeout": [margin(LONGEST_TIMEOUT), DEFAULT_TIMEOUT, TIMEOUT_WITH_THINKING],
}
"""The numbers in the description of an argument, beside its limits and a default that is a number alone."""
LIMITS = re.compile(r"\b(?:from [0-9]+ to [0-9]+|at (?:most|least) [0-9]+)\b")
OF_OTHER_TESTS = re.compile(rf"{LIMITS.pattern}|`[^`]*`")
"""Limits, and values of settings."""


def _described_default(name: str) -> str:
    """Return the default in an argument's description; a remark may follow in brackets."""
    return reference.described(INPUTS[camel(name)]["description"])[1].partition(" (")[0].strip("`")


@pytest.mark.parametrize("name", list(settings_with_an_argument()))
def test_the_description_of_a_setting_has_the_default_of_the_function(name: str) -> None:
    assert _described_default(name) == SETTINGS[name].default


@pytest.mark.parametrize("name", sorted(set(arguments_of(Options)) - DEPENDS))
def test_the_description_of_an_option_has_the_default_of_the_component(name: str) -> None:
    default = arguments_of(Options)[name].default
    assert _described_default(name) == (as_text(default) if isinstance(default, str | int | float) else "none")


@pytest.mark.parametrize("name", sorted(DEPENDS))
def test_a_default_that_depends_on_something_else_is_described(name: str) -> None:
    assert _described_default(name)
    assert arguments_of(Options)[name].default is None


@pytest.mark.parametrize("name", list(StreamingLlmApiArgs.__annotations__))
def test_every_limit_in_a_description_is_the_one_that_is_checked(name: str) -> None:
    """The message for a wrong value has it in the same words."""
    for description in _descriptions(name):
        for words in LIMITS.findall(description):
            assert words in _expected(name)


@pytest.mark.parametrize("name", list(StreamingLlmApiArgs.__annotations__))
def test_every_other_number_in_a_description_is_that_of_the_code(name: str) -> None:
    """Also in a remark in brackets behind a default, and where a default depends on something else."""
    text, default = reference.described(OF_OTHER_TESTS.sub("", INPUTS[camel(name)]["description"]))
    numbers = re.findall(r"(?<!\w)[0-9]+(?:\.[0-9]+)?\b", text if _is_number(default) else f"{text} {default}")

    assert [float(number) for number in numbers] == NUMBERS.get(name, [])


def _descriptions(name: str) -> list[str]:
    """Return the description of an argument of the component, and that of a route's own if it can have one."""
    of_route = reference.schema()["types"]["streaming-llm:index:RouteArgs"]["properties"]
    owners = [INPUTS, of_route] if name in RouteArgs.__annotations__ else [INPUTS]
    return [owner[camel(name)]["description"] for owner in owners]


def _expected(name: str) -> str:
    """Return the message for a wrong value."""
    if name in settings_with_an_argument():
        return SETTINGS[name].expected
    with pytest.raises(InvalidArgument) as caught:
        arguments_of(Options)[name].read(camel(name), object())
    return str(caught.value)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


@pytest.mark.parametrize("name", ["authorizer", "vpc_endpoint", "dashboard"])
def test_the_descriptions_of_a_group_have_its_defaults(name: str) -> None:
    given: Any = {"authorizer": {}, "dashboard": {}, "endpoint": "private", "vpc_endpoint": {"id": "vpce-1"}}
    group = getattr(checked(given), name)
    properties = reference.schema()["types"][INPUTS[camel(name)]["$ref"].removeprefix("#/types/")]["properties"]
    defaults = {key: reference.described(it["description"])[1].strip("`") for key, it in properties.items()}
    stated = {key: text for key, text in defaults.items() if text}
    assert stated == {key: as_text(getattr(group, _snake(key))) for key in stated}


def _snake(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def test_every_argument_is_in_each_table() -> None:
    for text in (reference.settings(), reference.arguments()):
        for name in StreamingLlmApiArgs.__annotations__:
            assert f"\n| `{camel(name)}` |" in text


def test_every_variable_is_in_the_table_of_settings_beside_the_key_of_its_name() -> None:
    text = reference.settings()
    for name in SETTINGS:
        without_argument = {"first_event_timeout": "follows from `endpoint`", "heartbeat": "-"}
        key = without_argument.get(name, f"`{camel(name)}`")
        assert f"| {key} | `{variable(name)}` |" in text


def test_every_output_is_in_its_table() -> None:
    for name in StreamingLlmApi.__annotations__:
        assert f"\n| `{camel(name)}` |" in reference.outputs()


def test_every_key_is_declared_with_a_default_or_named_as_left_out() -> None:
    """The CLI demands a key that is declared without a default, and a stack would be given one that depends."""
    comment, _, _ = reference.config().partition("config:\n")
    left_out = set(comment.replace("#", " ").replace(",", " ").replace(".", " ").split())
    for name in StreamingLlmApiArgs.__annotations__:
        assert (camel(name) in CONFIG) != (camel(name) in left_out)
    assert all("default" in declared for declared in CONFIG.values())


def test_a_table_of_settings_for_people_has_no_empty_cell() -> None:
    for text in (reference.settings(), reference.arguments(), reference.outputs()):
        assert "|  |" not in text


def test_every_member_of_an_object_is_described_once_under_the_name_of_the_object() -> None:
    """Also of an object in an object, in a list, or by a name of the user's own."""
    text = reference.arguments()
    headings = [line.removeprefix("### ").strip("`") for line in text.splitlines() if line.startswith("### ")]

    assert len(headings) == len(set(headings))
    assert {"dashboard", "dashboard.prices", "routes", "throttle"} <= set(headings)
    assert "routes.throttle" not in headings
    _, _, prices = text.partition("### `dashboard.prices`")
    assert [f"`{name}`" in prices for name in ("input", "output", "cacheRead", "cacheWrite")] == [True] * 4
