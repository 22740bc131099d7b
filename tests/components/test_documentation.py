"""The pages about the component say what is there: children, policies and settings."""

import re
from pathlib import Path
from typing import Any, cast

from components import StreamingLlmApi, StreamingLlmApiArgs
from components.arguments import Authorization, RouteArgs
from components.contract import SINKS, camel
from components.iam.document import Place
from components.iam.role import sink_statements
from components.parsing import checked
from components.resources.function import variables
from function.contract import read_settings
from tests.components.options_table import EVERY_SETTING, EVERYTHING
from tests.components.recording import declare

REPOSITORY = Path(__file__).resolve().parent.parent.parent
TEXT = (REPOSITORY / "docs" / "component-reference.md").read_text()
SETTINGS = (REPOSITORY / "docs" / "settings.md").read_text()
ROUTES = (REPOSITORY / "docs" / "routes.md").read_text()


_AUTHORIZATIONS: tuple[StreamingLlmApiArgs, ...] = ({}, {"authorization": Authorization.IAM})


def _rows(heading: str) -> list[list[str]]:
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("| ").split(" | ")] for line in lines]


def test_every_child_is_in_the_table_with_its_type() -> None:
    documented = {(row[0], kind) for row in _rows("Reference: children") for kind in re.findall(r"\w+\.\w+", row[1])}
    declared = set()
    for args in EVERYTHING:
        for resource in declare(lambda args=args: StreamingLlmApi("llm", args)).resources:  # type: ignore[misc]
            if resource.name.startswith("llm-"):
                _, module, kind = resource.type.split(":")
                declared.add((resource.name.removeprefix("llm-"), f"{module.partition('/')[0]}.{kind}"))
    assert declared == documented


def test_the_page_of_routes_names_what_a_route_can_have() -> None:
    sentence = ROUTES.partition("A route can have ")[2].partition(". ")[0]
    assert sorted(re.findall(r"`(\w+)`", sentence)) == sorted(map(camel, RouteArgs.__annotations__))


class _Asked(dict[str, str]):
    """An environment that remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, key: str, default: object = None) -> Any:
        self.names.add(key)
        return super().get(key, default)


def test_every_variable_that_the_function_reads_is_in_the_table_of_settings_and_no_other() -> None:
    asked = _Asked()
    read_settings(asked)
    named = re.findall(r"^\| .*? \| `(LLM_\w+)` \|", SETTINGS, re.MULTILINE)
    assert sorted(named) == sorted(asked.names)
    assert set(named) == set(variables(checked(EVERY_SETTING), "log", "none"))


def test_the_function_and_the_component_have_the_same_defaults() -> None:
    environment = {name: str(value) for name, value in variables(checked({}), "log", "none").items()}
    assert read_settings(environment) == read_settings({})


def test_the_default_of_the_throttle_is_described_as_it_is() -> None:
    """It depends on the authorization."""
    unknown, known = (checked(args).throttle for args in _AUTHORIZATIONS)
    default = f"{unknown.rate} per second and {unknown.burst} at once without authorization, else "
    assert f"| {default}{known.rate} and {known.burst} |" in SETTINGS


def test_every_key_that_a_command_sets_is_an_argument() -> None:
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]
    documents = [page.read_text() for page in pages]
    keys = {key for text in documents for key in re.findall(r"pulumi config set (?:--path ')?(\w+)\b(?!:)", text)}
    assert (
        {"maxTokens", "alarmTopic", "throttle"} <= keys <= {camel(name) for name in StreamingLlmApiArgs.__annotations__}
    )


def test_the_page_of_the_component_begins_with_the_import() -> None:
    text = (REPOSITORY / "docs" / "component.md").read_text()
    first = text.partition("```python\n")[2].partition("```")[0]
    assert "\nfrom streaming_llm_api import StreamingLlmApi\n" in first


def test_every_policy_of_the_role_is_in_the_table() -> None:
    stacks = [declare(lambda args=args: StreamingLlmApi("llm", args)) for args in EVERYTHING]  # type: ignore[misc]
    names = {resource.name for declared in stacks for resource in declared.of("RolePolicy")}
    policies = {name.removeprefix("llm-") for name in names if name.startswith("llm-may-")}
    assert {row[0] for row in _rows("Reference: permissions of the function") if row[0].startswith("may-")} == policies


def test_every_kind_of_sink_is_described_with_the_action_that_it_needs() -> None:
    """A stack of ``EVERYTHING`` creates each, so that its resources are in the table of children too."""
    assert {args["sink"] for args in EVERYTHING if "sink" in args} == SINKS.keys()
    [actions] = [row[1] for row in _rows("Reference: permissions of the function") if row[0] == "may-publish"]
    [meaning] = re.findall(r"^\| `sink` \| .* \| (.*) \|$", SETTINGS, re.MULTILINE)
    for kind, form in SINKS.items():
        [statement] = sink_statements(f"{kind}:arn:aws:x", Place("aws", "eu-central-1", "123456789012"))
        assert cast("list[str]", statement["Action"])[0] in actions
        existing = f"{kind}:{form}" if form == "ARN" else f"{kind}:{form} or ARN"
        assert {f"`{kind}`", f"`{existing}`"} <= set(re.findall("`[^`]+`", meaning))
