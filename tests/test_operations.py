"""docs/operations.md names what there is, and all of it: alarms, outcomes, codes, lines of the log."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import botocore.session
import pytest
from botocore.model import StringShape

from components.parsing import checked
from components.resources.monitoring import alarms
from function.aws.bedrock.refusals import Reason
from function.contract import Outcome
from function.stream.errors import StreamError

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "operations.md").read_text()
ERRORS = (ROOT / "docs" / "errors.md").read_text()
_, _, GATEWAYS_ERRORS = ERRORS.partition("## Errors of the gateway")
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


LEVELS = {"debug", "info", "warning", "warn", "error", "critical", "fatal", "exception"}
STRUCTURED = {"function started", "record stored", "record published", "a model cannot be called for this account"}
"""What stages and the start of the function write in JSON: docs/records.md describes these lines by their fields."""


def lines_of(source: str) -> Iterator[str]:
    """Every line that a source may write to a log, by whatever name it calls it, with dots for what it puts in."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
            text = node.args[0]
            assert isinstance(text, ast.Constant), (
                f"A line that is put together cannot be documented: {ast.unparse(node)}"
            )
            yield DOTS.sub("…", str(text.value))


def test_every_alarm_is_explained() -> None:
    assert named("alarm") == {f"alarm-{alarm.name}" for alarm in alarms(checked({"fallback_models": ["another"]}))}


def test_every_outcome_is_explained_with_its_level() -> None:
    levels = {row[0].strip("`"): row[1] for row in table("outcome")}

    assert set(levels) == {outcome.value for outcome in Outcome}
    assert levels["completed"] == "INFO"
    assert {name for name, level in levels.items() if level == "WARNING"} == {"rejected", "cancelled", "deadline"}


def test_every_code_is_somebodys_turn() -> None:
    assert named("`error.type`") == set(codes())


def test_every_reason_of_a_refusal_is_explained() -> None:
    reasons = {
        name for row in table("`error_reason`", ERRORS) for cell in row for name in re.findall(r"`([a-z_]+)`", cell)
    }

    assert set(Reason) <= reasons


def test_every_line_of_the_function_is_explained() -> None:
    """In whatever file it is written."""
    written = {line for file in (ROOT / "function").rglob("*.py") for line in lines_of(file.read_text())}

    assert written - STRUCTURED == named("line") - {"Task timed out", "Runtime exited"}  # Lambda's own
    assert written >= STRUCTURED


@pytest.mark.parametrize(
    "source",
    [
        '_log.warning("a line: %s", error)',
        'logger.info("a line: %s", error)',
        'logging.getLogger("function").error("a line: %s", error)',
        'self.log.exception("a line: %s", error)',
    ],
)
def test_a_line_is_found_by_whatever_name_the_log_is_called(source: str) -> None:
    assert list(lines_of(source)) == ["a line: …"]


def test_the_gateways_codes_are_its_response_types() -> None:
    shape = botocore.session.get_session().get_service_model("apigateway").shape_for("GatewayResponseType")

    assert isinstance(shape, StringShape)
    assert named("code", GATEWAYS_ERRORS) <= set(shape.enum)


def test_the_options_of_the_verification_are_those_that_make_hands_on() -> None:
    makefile = (ROOT / "Makefile").read_text()
    handed = re.findall(r"^OPTIONS := (.*)$", makefile, re.MULTILINE)[0].split()

    deploy = (ROOT / "docs" / "deploy.md").read_text()

    assert {name.partition("=")[0] for name in named("option", deploy)} <= set(handed)
