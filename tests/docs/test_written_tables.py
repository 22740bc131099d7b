"""The parts of the documentation that are written by hand name what the code has, and all of it."""

import re
import subprocess
import sys
from pathlib import Path

from function.stream.pipeline import REASON_LIMIT
from local.bedrock.script import STEPS
from tests.wire.endings_table import BY_CODE

DOCS = Path(__file__).resolve().parents[2] / "docs"


def first_cells(page: str, heading: str) -> list[str]:
    """Return the first cells below the table of ``page`` whose first column has this heading."""
    _, _, rest = (DOCS / page).read_text().partition(f"| {heading} |")
    return [line.strip("| ").split(" | ")[0] for line in rest.partition("\n\n")[0].splitlines()[2:]]


def named(page: str, heading: str) -> set[str]:
    """Return what stands between backticks in these cells."""
    return {name for cell in first_cells(page, heading) for name in re.findall(r"`([^`]+)`", cell)}


def test_every_option_of_the_local_stack_is_described() -> None:
    options: set[str] = set()
    for program in ("local", "local.demo"):
        command = [sys.executable, "-m", program, "--help"]
        shown = subprocess.run(command, cwd=DOCS.parent, capture_output=True, text=True, check=True).stdout
        options |= set(re.findall(r"^  (--[a-z-]+)", shown, re.MULTILINE))
    _, _, rest = (DOCS / "local-stack.md").read_text().partition("| make | program |")
    described = re.findall(r"^\| `([A-Z_]+)=\S*` \| `(--[a-z-]+)", rest.partition("\n\n")[0], re.MULTILINE)

    assert {option for _, option in described} == options
    assert [name for name, _ in described] == [option[2:].upper().replace("-", "_") for _, option in described]


def test_every_step_of_a_script_is_described() -> None:
    described = {name.partition("(")[0] for name in named("local-stack.md", "step")}

    assert described == {getattr(step, "__name__", "") for step in STEPS.values()}


def test_how_far_the_function_reads_on_is_said_with_its_number() -> None:
    assert f"the function reads up to {REASON_LIMIT:,} more characters" in (DOCS / "endings.md").read_text()


def test_what_to_do_without_a_retry_is_said_of_every_such_code() -> None:
    final = {code for code, error in BY_CODE.items() if error.retry_after is None and error.status >= 429}
    _, _, section = (DOCS / "errors.md").read_text().partition("If it says no:")
    table = section.partition("## ")[0]

    assert set(re.findall(r"`([a-z]+_?[a-z]+)`", table)) - {"requestId"} == final
