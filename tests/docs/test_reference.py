"""The tables of the component and the config block of Pulumi.yaml say what the code does."""

from typing import Any

import pytest
import yaml

from components import StreamingLlmApi, StreamingLlmApiArgs
from components.contract import SETTINGS, as_text, camel, variable
from components.options import Options
from components.parsing import checked, settings_with_an_argument
from components.values import arguments_of
from docs import reference

INPUTS: dict[str, Any] = reference.schema()["resources"][reference.COMPONENT]["inputProperties"]
CONFIG: dict[str, Any] = yaml.safe_load(reference.config())["config"]
DEPENDS = {"runtime", "throttle", "timeout"}
"""Arguments whose default depends on something else, which their description says."""


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
