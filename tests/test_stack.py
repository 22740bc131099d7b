"""The repository's own stack: `__main__.py` as Pulumi runs it, with the configuration of the dev stack."""

import json
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components import InvalidArgument
from tests.components.recording import Declared, declare

REPOSITORY = Path(__file__).resolve().parent.parent
PROJECT = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())
DEV = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]

pytestmark = pytest.mark.package_index  # to declare an endpoint is to build its bundle


def _text(value: Any) -> str:
    """As the engine hands a value to the program: texts as they are, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _run(stack: Mapping[str, Any]) -> Declared:
    name = PROJECT["name"]
    defaults = {f"{name}:{key}": _text(declared["default"]) for key, declared in PROJECT["config"].items()}
    pulumi.runtime.set_all_config({**defaults, **{key: _text(value) for key, value in stack.items()}})
    return declare(lambda: runpy.run_path(str(REPOSITORY / "__main__.py"), run_name="__main__"), project=name)


def test_the_dev_stack_exports_its_url_function_log_and_dashboard() -> None:
    declared = _run(DEV)
    exported = declared.exported
    assert exported["ApiUrl"] == "https://streaming-llm-api-id.execute-api.eu-central-1.amazonaws.com/v1/stream"
    assert exported["ApiUrls"] == {"stream": exported["ApiUrl"]}
    assert exported["FunctionName"] == "streaming-llm-function"
    assert exported["LogGroup"] == "streaming-llm-log"
    assert exported["DashboardUrl"].startswith("https://eu-central-1.console.aws.amazon.com/cloudwatch/")


def test_the_documentation_counts_the_resources_of_the_dev_stack() -> None:
    resources = [resource for resource in _run(DEV).resources if resource.type.startswith("aws:")]
    assert f"the {len(resources)} AWS resources of the stack `dev`" in (REPOSITORY / "docs" / "deploy.md").read_text()


def test_a_stack_that_asks_for_a_key_exports_it() -> None:
    """`make verify API_KEY=…` and the first caller need it."""
    assert _run({"streaming-llm:authorization": "apiKey"}).exported["ApiKey"] == "streaming-llm-key-value"


def test_the_dev_stack_sees_contents_and_forgets_soon() -> None:
    declared = _run(DEV)
    assert declared.one("Function").inputs["environment"]["variables"]["LLM_CAPTURE_CONTENT"] == "true"
    assert declared.one("LogGroup").inputs["retentionInDays"] <= 7
    assert DEV["aws:region"]


def test_a_stack_of_defaults_keeps_contents_to_itself() -> None:
    declared = _run({})
    assert declared.one("Function").inputs["environment"]["variables"]["LLM_CAPTURE_CONTENT"] == "false"
    assert not declared.of("Dashboard")


def test_the_production_example_of_the_documentation_pins_its_python_and_asks_who_calls() -> None:
    text = (REPOSITORY / "docs" / "component.md").read_text()
    stack = yaml.safe_load(text.partition("# Pulumi.prod.yaml\n")[2].partition("```")[0])["config"]
    declared = _run(stack)
    assert declared.one("Method", "-post").inputs["authorization"] == "AWS_IAM"
    assert declared.one("Function").inputs["runtime"] == stack["streaming-llm:runtime"]
    assert not [warning for warning in declared.warnings() if "anyone" in warning]


def test_every_key_of_the_dev_stack_is_one_that_the_program_reads() -> None:
    message = r"^captureContents: there is no such argument\. Did you mean captureContent\?"
    with pytest.raises(InvalidArgument, match=message):
        _run({**DEV, "streaming-llm:captureContents": "true"})


def test_a_wrong_value_fails_before_anything_is_declared() -> None:
    with pytest.raises(InvalidArgument, match=r"^timeout must be a whole number from 5 to 890; got 'long'"):
        _run({**DEV, "streaming-llm:timeout": "long"})


def test_the_program_reads_like_a_table_of_contents() -> None:
    lines = (REPOSITORY / "__main__.py").read_text().splitlines()
    assert len(lines) <= 30


def test_pulumi_gets_an_environment_of_its_own() -> None:
    """It fills only a folder that is missing, and `.venv` may be there without Pulumi."""
    assert PROJECT["runtime"]["options"]["virtualenv"] == "venv"
    assert "venv/" in (REPOSITORY / ".gitignore").read_text().splitlines()
