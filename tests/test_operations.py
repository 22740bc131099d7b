"""docs/operations.md names what there is, and all of it: alarms, outcomes, codes, lines of the log."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import botocore.session
from botocore.model import StringShape

from components.parsing import checked
from components.resources.monitoring import alarms
from function.contract import Outcome
from function.stream.errors import StreamError

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "operations.md").read_text()
_, _, GATEWAYS_ERRORS = (ROOT / "docs" / "errors.md").read_text().partition("## Errors of the gateway")
DOTS = re.compile(r"%[rs]")


def table(first_heading: str, text: str = TEXT) -> Sequence[Sequence[str]]:
    """The rows of the table whose first column has this heading."""
    _, _, rest = text.partition(f"| {first_heading} |")
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def named(first_heading: str, text: str = TEXT) -> set[str]:
    """What is named in the first column of that table."""
    return {name for row in table(first_heading, text) for name in re.findall(r"`([^`]+)`", row[0])}


def codes(kind: type[StreamError] = StreamError) -> Iterator[str]:
    if "code" in vars(kind):
        yield kind.code
    for each in kind.__subclasses__():
        yield from codes(each)


def lines_of(file: str) -> Iterator[str]:
    """Every line that a file of the function may write to its log, dots for what it puts in."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_log."):
            text = node.args[0]
            assert isinstance(text, ast.Constant)
            yield DOTS.sub("…", str(text.value))


def test_every_alarm_is_explained() -> None:
    assert named("alarm") == {f"alarm-{alarm.name}" for alarm in alarms(checked({}))}


def test_every_outcome_is_explained_with_its_level() -> None:
    levels = {row[0].strip("`"): row[1] for row in table("outcome")}

    assert set(levels) == {outcome.value for outcome in Outcome}
    assert levels["completed"] == "INFO"
    assert {name for name, level in levels.items() if level == "WARNING"} == {"rejected", "cancelled", "deadline"}


def test_every_code_is_somebodys_turn() -> None:
    assert named("`error.type`") == set(codes())


def test_every_line_of_the_function_is_explained() -> None:
    files = (str(file.relative_to(ROOT)) for file in (ROOT / "function").rglob("*.py"))
    written = {line for file in files for line in lines_of(file)}

    assert written <= named("line")
    assert named("line") - written == {"Task timed out", "Runtime exited"}  # Lambda's own


def test_the_gateways_codes_are_its_response_types() -> None:
    shape = botocore.session.get_session().get_service_model("apigateway").shape_for("GatewayResponseType")

    assert isinstance(shape, StringShape)
    assert named("code", GATEWAYS_ERRORS) <= set(shape.enum)


def test_the_options_of_the_verification_are_those_that_make_hands_on() -> None:
    makefile = (ROOT / "Makefile").read_text()
    handed = re.findall(r"^OPTIONS := (.*)$", makefile, re.MULTILINE)[0].split()

    deploy = (ROOT / "docs" / "deploy.md").read_text()

    assert {name.partition("=")[0] for name in named("option", deploy)} <= set(handed)
