"""The preview names the AWS services that the user's modules call and the bundle does not describe."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from components.bundle import Bundle, Target
from components.trial.clients import missing_services

ADDED = ("s3", "bedrock-agent-runtime", "cloudwatch")
Missing = Callable[..., str | None]


@pytest.fixture
def missing(tmp_path: Path, cache: Path) -> Missing:
    """Return what is missing for a module with this text."""

    def found(text: str, *services: str) -> str | None:
        (tmp_path / "inner").mkdir(exist_ok=True)
        (tmp_path / "inner" / "search.py").write_text(textwrap.dedent(text))
        bundle = Bundle(Target.host(), cache, tmp_path, report=lambda _: None, services=services)
        bundle.wheels.collect()
        return missing_services(bundle)

    return found


@pytest.mark.parametrize(
    "call",
    [
        'boto3.client("s3")',
        "boto3.client('s3', region_name=region)",
        'boto3.resource("s3")',
        'boto3.Session().client(service_name="s3")',
        'client("s3")',
        'session.create_client("s3")',
    ],
)
def test_a_client_that_a_source_names_is_found(missing: Missing, call: str) -> None:
    """Wherever it stands, and only where the service is missing."""
    text = f"import boto3\n\ndef read(region):\n    if region:\n        return [{call} for _ in range(2)]\n"
    expected = "services must contain the AWS services of which your modules make clients; add s3 (inner/search.py:5)."
    assert missing(text) == expected


def test_every_missing_service_is_named_once(missing: Missing) -> None:
    text = """
        import boto3
        s3 = boto3.client("s3")
        again = boto3.client("s3")
        search = boto3.client("bedrock-agent-runtime")
        metrics = boto3.client("cloudwatch")
        table = boto3.resource("dynamodb")
        texts = boto3.client("textract")
    """
    [_, added] = str(missing(text)).split("; add ")
    three = ("s3 (inner/search.py:3)", "bedrock-agent-runtime (inner/search.py:5)", "cloudwatch (inner/search.py:6)")
    assert added == f"{', '.join(three)}, textract (inner/search.py:8)."
    assert str(missing(text, *ADDED)).endswith("; add textract (inner/search.py:8).")


@pytest.mark.parametrize(
    "text",
    [
        "name = 's3'\nboto3.client(name)",
        "api.resource('/invoices')",
        "httpx.client('s3.example')",
        "boto3.client()",
        "boto3.client(5)",
        "boto3.client('sns')",
        "open('s3')",
    ],
)
def test_what_names_no_service_that_is_missing_is_left_alone(missing: Missing, text: str) -> None:
    assert missing(text) is None


def test_a_name_that_botocore_does_not_know_comes_with_the_nearest_ones(missing: Missing) -> None:
    message = missing("import boto3\nboto3.client('bedrock-agents-runtime')\n")
    assert message is not None
    assert message.startswith("inner/search.py:2: botocore has no AWS service 'bedrock-agents-runtime'. Did you mean")
    assert "bedrock-agent-runtime" in message
