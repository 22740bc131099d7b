"""docs/component-reference.md and the README say what is there: children, policies, settings and their defaults."""

import re
from pathlib import Path
from typing import Any

import pytest

from components import StreamingLlmApi, StreamingLlmApiArgs
from components.arguments import Authorization, Endpoint
from components.parsing import checked
from components.resources.function import variables
from components.values import camel
from function.contract import read_settings
from tests.components.options_table import EVERY_SETTING, EVERYTHING
from tests.components.recording import declare

REPOSITORY = Path(__file__).resolve().parent.parent.parent
TEXT = (REPOSITORY / "docs" / "component-reference.md").read_text()
README = (REPOSITORY / "README.md").read_text()


def _rows(heading: str, text: str = TEXT) -> list[list[str]]:
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("| ").split(" | ")] for line in lines]


def test_every_child_is_in_the_table_with_its_type() -> None:
    documented = {(row[0], kind) for row in _rows("Children") for kind in re.findall(r"\w+\.\w+", row[1])}
    declared = set()
    for args in EVERYTHING:
        for it in declare(lambda args=args: StreamingLlmApi("llm", args)).resources:  # type: ignore[misc]
            if it.name.startswith("llm-"):
                _, module, kind = it.type.split(":")
                declared.add((it.name.removeprefix("llm-"), f"{module.partition('/')[0]}.{kind}"))
    assert declared == documented


class _Asked(dict[str, str]):
    """An environment that remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401 as a dict has it
        self.names.add(key)
        return super().get(key, default)


def _settings() -> dict[str, tuple[list[str], str]]:
    """The README's table: each key with its variables and its default."""
    table: dict[str, tuple[list[str], str]] = {}
    for keys, variables_of, defaults in _rows("Settings", README):
        names = [re.findall(r"\w+", key)[0] for key in keys.split(" · ")]
        told = variables_of.split(" · ") if "LLM_" in variables_of else [""] * len(names)
        values = defaults.split(" · ") if " · " in defaults else [defaults] * len(names)
        for name, variable, default in zip(names, told, values, strict=True):
            assert name not in table
            table[name] = re.findall(r"LLM_\w+", variable), default
    return table


def test_every_argument_is_in_the_readmes_table() -> None:
    assert set(_settings()) == {camel(name) for name in StreamingLlmApiArgs.__annotations__}


def test_every_variable_that_the_function_reads_is_in_the_readmes_table_and_no_other() -> None:
    asked = _Asked()
    read_settings(asked)
    named = [variable for variables_of, _ in _settings().values() for variable in variables_of]
    assert sorted(named) == sorted(asked.names)
    assert set(named) == set(variables(checked(EVERY_SETTING), "log", "none"))


def test_a_key_stands_beside_the_variable_of_its_name() -> None:
    for key, (told, _) in _settings().items():
        if key != "endpoint":  # two times follow from it
            assert all(camel(variable.removeprefix("LLM_").lower()) == key for variable in told)


def test_the_function_and_the_component_have_the_same_defaults() -> None:
    told = {name: str(value) for name, value in variables(checked({}), "log", "none").items()}
    assert read_settings(told) == read_settings({})


@pytest.mark.parametrize("key", sorted(_settings()))
def test_a_default_in_the_readme_is_the_codes(key: str) -> None:
    """What was not asked for is ``none``; a remark may follow in brackets."""
    _, default = _settings()[key]
    assert default.partition(" (")[0].replace("`", "") == _default(key)


def _default(key: str) -> str:
    plain, own = checked({}), read_settings({})
    known, edge = checked({"authorization": Authorization.IAM}), checked({"endpoint": Endpoint.EDGE})
    texts = {camel(name): text for name, text in plain.settings.items()}
    match key:
        case "schema" | "request" | "instructions":
            return str(getattr(own, key))
        case "endpoint":
            return "; ".join(
                f"{options.endpoint}: {options.settings['first_event_timeout']} and {options.settings['heartbeat']}"
                for options in (plain, edge)
            )
        case "throttle":
            pairs = [f"{options.throttle.rate}, {options.throttle.burst}" for options in (plain, known)]
            return f"{pairs[0]} without authorization, else {pairs[1]}"
        case "runtime" | "authorizer":
            return {"runtime": "the building Python's", "authorizer": "none"}[key]
    if key in texts:
        return str(texts[key])
    value = next(getattr(plain, name, None) for name in StreamingLlmApiArgs.__annotations__ if camel(name) == key)
    return "none" if value in (None, (), {}) else str(value).lower()


def test_every_key_that_a_command_sets_is_an_argument() -> None:
    documents = [README, *(path.read_text() for path in (REPOSITORY / "docs").glob("*.md"))]
    keys = {key for text in documents for key in re.findall(r"pulumi config set (?:--path ')?(\w+)\b(?!:)", text)}
    assert (
        {"maxTokens", "alarmTopic", "throttle"} <= keys <= {camel(name) for name in StreamingLlmApiArgs.__annotations__}
    )


def test_the_chapter_on_reuse_begins_with_the_import() -> None:
    assert README.partition("\n## Reuse\n\n")[2].startswith(
        "```python\nfrom streaming_llm_api import StreamingLlmApi\n```\n",
    )


def test_every_policy_of_the_role_is_in_the_table() -> None:
    names = {it.name for args in EVERYTHING for it in declare(lambda: StreamingLlmApi("llm", args)).of("RolePolicy")}  # noqa: B023 called at once
    ours = {name.removeprefix("llm-") for name in names if name.startswith("llm-may-")}
    assert {row[0] for row in _rows("Permissions of the function") if row[0].startswith("may-")} == ours
