"""The local stack says what the component's templates and the function's table say: each was written for itself."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from components.resources import preflight as cors
from function.claude import CLAUDES, Native, Thinks
from local.bedrock.claude import MODELS, Takes
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
        "-".join(str(part) for part in (row.family, *row.version) if part): Takes(
            native=row.native is not Native.NO,
            forced_tool=row.forced_tool,
            sampling=row.temperature,
            thinks=row.mind.thinks is not Thinks.NO,
        )
        for row in CLAUDES
    }

    assert known == MODELS
