"""The local stack says what the component's templates and the function's table say: each was written for itself."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from components.resources import preflight as cors
from function.aws.bedrock import converse
from function.aws.bedrock.refusals import refusal
from function.claude import CLAUDES, Claude, Native, Thinks
from function.contract import Cache, Effort, Settings, SettingsError, Thinking, read_settings, variable
from function.model_settings import lowered, refuse_what_the_model_refuses
from function.schema import Answer
from local.bedrock.claude import MODELS
from local.bedrock.script import complete_answer
from local.bedrock.server import Bedrock
from local.bedrock.steering import broken_steering
from local.bedrock.thinking import Display, display
from local.client import Reply
from local.gateway.server import Gateway
from local.lambda_.function import Function
from tests.local.toys import deployed

ORIGINS = [(), ("https://a.example",), ("*",), ("https://a.example", "https://b.example")]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Function(deployed(tmp_path, "")) as function, Gateway(function) as made:
        yield made


def browser_fields(reply: Reply) -> dict[str, str]:
    return {
        name: value for name, value in reply.headers.items() if name.startswith("access-control-") or name == "vary"
    }


def allow(gateway: Gateway, origins: tuple[str, ...]) -> None:
    variables = {"LLM_ALLOWED_ORIGINS": ",".join(origins) or "none"}
    gateway.function.deployment = replace(gateway.function.deployment, environment=variables)


def lower(fields: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in fields.items()}


def test_the_gateways_own_errors_are_the_template_filled_in(gateway: Gateway) -> None:
    """Every placeholder has a value, nothing else differs."""
    with Reply(gateway.url, b"", None, "GET") as reply:
        problem = reply.json()

    filled = {
        "$context.error.responseType": problem["code"],
        "$context.error.messageString": json.dumps(problem["detail"]),
        "$context.requestId": reply.headers["x-amzn-requestid"],
    }
    template = cors.PROBLEM["application/json"]
    assert json.loads(re.sub(r"\$context[.\w]*\w", lambda found: filled[found[0]], template)) == problem


@pytest.mark.parametrize("origins", ORIGINS)
def test_browsers_are_told_the_same_with_an_error(gateway: Gateway, origins: tuple[str, ...]) -> None:
    """One origin as a literal, of several any."""
    allow(gateway, origins)

    with Reply(gateway.url, b"", {"Origin": "https://b.example"}, "GET") as reply:
        reply.body()

    declared = lower(cors.error_headers(origins))
    assert reply.headers["content-type"] == declared.pop("content-type")
    assert browser_fields(reply) == declared


@pytest.mark.parametrize("origins", ORIGINS)
@pytest.mark.parametrize("origin", ["https://b.example", "https://evil.example"])
def test_browsers_are_told_the_same_before_a_request(gateway: Gateway, origins: tuple[str, ...], origin: str) -> None:
    """The constant fields, and the caller's origin where the template compares it with several."""
    allow(gateway, origins)

    with Reply(gateway.url, b"", {"Origin": origin}, "OPTIONS") as reply:
        reply.body()

    declared = lower(cors.preflight_headers(origins, cors.REQUEST_HEADERS))
    template = (cors.preflight_template(origins) or {}).get("application/json", "")
    if f"'{origin}'" in template:
        declared["access-control-allow-origin"] = origin
    assert browser_fields(reply) == declared


def test_the_function_and_the_stand_in_know_the_same_models() -> None:
    """Each has a table of its own. Where accounts differ, the stand-in is the account that takes it."""
    known = {
        name_of(row): (row.native is not Native.NO, row.forced_tool, row.temperature, row.mind.thinks is not Thinks.NO)
        for row in CLAUDES
    }

    assert known == {
        name: (model.native, model.forced_tool, model.sampling, model.thinks) for name, model in MODELS.items()
    }


def name_of(row: Claude) -> str:
    return "-".join(str(part) for part in (row.family, *row.version) if part)


def id_of(row: Claude) -> str:
    major, minor = row.version
    number = f"{major}-{minor}" if minor else str(major)
    return f"anthropic.claude-{number}-{row.family}" if major == 3 else f"anthropic.claude-{row.family}-{number}"


ASKED = [
    *({"thinking": thinking, "effort": effort} for thinking in Thinking for effort in ("none", *Effort)),
    *({"thinking": thinking, "structured_output": "tool"} for thinking in Thinking),
    *({"thinking": thinking, "temperature": "0.3"} for thinking in Thinking),
    {"thinking": Thinking.ON, "temperature": "1"},
    {"thinking": Thinking.ON, "show_thinking": "true"},
    {"structured_output": "native"},
    {"structured_output": "prompt", "effort": "low"},
    {"cache": Cache.FIVE_MINUTES},
    {"cache": Cache.ONE_HOUR},
]
"""What a stack can ask of a model."""


@pytest.fixture(scope="module")
def bedrock() -> Iterator[Bedrock]:
    with Bedrock() as made:
        made.play(complete_answer('{"summary": "a", "keywords": []}'))
        yield made


@pytest.fixture(scope="module")
def client(bedrock: Bedrock) -> Iterator[Any]:
    made = boto3.client(
        "bedrock-runtime",
        endpoint_url=bedrock.url,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - not checked here
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield made
    made.close()


@pytest.mark.parametrize("row", CLAUDES, ids=lambda row: row.name)
def test_the_service_refuses_what_a_preview_refuses_and_takes_the_rest(
    row: Claude, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of what was lowered for a model that stands in for another. Of two mistakes each may name another first.

    In one case the preview is stricter, because sources differ: a model that must call a tool, and is to think.
    """
    for asked in ASKED:
        settings = read_settings({variable(name): text for name, text in {"model_id": id_of(row), **asked}.items()})
        refused = refused_setting(settings)
        with monkeypatch.context() as patched:
            patched.setattr(converse, "refuse_what_the_model_refuses", lambda *_: None)
            reason = answered(client, settings)
        if asked == {"thinking": "on", "structured_output": "tool"} and row.forced_tool:
            assert refused == "thinking"
        else:
            assert (reason is None) == (refused is None), (asked, reason)
            assert reason is None or BLAMED[reason] in asked, (asked, reason)
        kept = lowered(settings, id_of(row))
        assert (kept == settings) == (refused is None), asked
        assert refused is None or answered(client, kept) is None, asked


@pytest.mark.parametrize("row", CLAUDES, ids=lambda row: row.name)
def test_thinking_can_be_shown_where_the_service_thinks_and_is_summarised_then(row: Claude) -> None:
    """And the tokens of it are asked for where there can be some."""
    for asked in (
        {"thinking": thinking, "structured_output": how} for thinking in Thinking for how in ("auto", "tool")
    ):
        texts = {variable(name): text for name, text in {"model_id": id_of(row), **asked}.items()}
        hidden, shown = read_settings(texts), read_settings({**texts, variable("show_thinking"): "true"})
        if refused_setting(hidden) is not None:
            continue
        before = display(id_of(row), sent(hidden))
        assert ("additionalModelResponseFieldPaths" in sent(hidden)) or before is None, asked
        assert (refused_setting(shown) is None) == (before is not None), asked
        if before is not None:
            assert display(id_of(row), sent(shown)) is Display.SUMMARIZED, asked
            assert list(broken_steering(id_of(row), sent(shown), forced=False)) == [], asked


BLAMED = {
    "thinking": "thinking",
    "effort": "effort",
    "temperature": "temperature",
    "forced_tool": "structured_output",
    "native_output": "structured_output",
    "caching": "cache",
}
"""The setting that each reason of the service is about."""


def refused_setting(settings: Settings) -> str | None:
    """Return the name of the setting that fails a preview."""
    try:
        refuse_what_the_model_refuses(settings, settings.model_id)
    except SettingsError as error:
        return str(error).split()[0].removeprefix("LLM_").lower()
    return None


def sent(settings: Settings) -> dict[str, Any]:
    """Return what the function sends."""
    made = converse.Converse(settings, Answer.model_json_schema(), "Explain.")
    return made.request(made.form, "Why?", None)


def answered(client: Any, settings: Settings) -> str | None:
    """Send what the function sends; return the reason if the service refuses it."""
    try:
        stream = client.converse_stream(**sent(settings))["stream"]
    except ClientError as error:
        row = refusal(error)
        return row.reason if row else "unknown"
    for _ in stream:  # so that the connection is used again
        pass
    return None
