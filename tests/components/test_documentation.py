"""docs/component.md says what is there: children, variables and their defaults."""

import re
from pathlib import Path

from components import StreamingLlmApi, StreamingLlmApiArgs
from components.options import camel, checked
from components.streaming_function import variables
from tests.components.options_table import EVERYTHING, EVERYTHING_TOLD
from tests.components.recording import declare

TEXT = (Path(__file__).resolve().parent.parent.parent / "docs" / "component.md").read_text()


def _rows(heading: str) -> list[list[str]]:
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
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


def test_every_variable_is_in_the_table_with_its_key_and_default() -> None:
    told = variables(checked({}), "log", "none")
    arguments = {camel(name) for name in StreamingLlmApiArgs.__annotations__}
    rows = _rows("What the function is told")
    assert {variable: default for _, variable, default in rows if default != "not set"} == told
    assert {key for key, *_ in rows} <= arguments
    assert {variable for _, variable, _ in rows} == set(variables(checked(EVERYTHING_TOLD), "log", "none"))


def test_every_policy_of_the_role_is_in_the_table() -> None:
    names = {it.name for args in EVERYTHING for it in declare(lambda: StreamingLlmApi("llm", args)).of("RolePolicy")}  # noqa: B023 called at once
    ours = {name.removeprefix("llm-") for name in names if name.startswith("llm-may-")}
    assert {row[0] for row in _rows("Who may do what") if row[0].startswith("may-")} == ours
