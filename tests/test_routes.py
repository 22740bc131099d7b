"""The settings of each route: its own from a file and from variables, and the stack's for everything else."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from function import routes
from function.contract import (
    ROUTE_SETTINGS,
    ROUTE_VARIABLES,
    SETTINGS,
    Guardrail,
    Settings,
    SettingsError,
    read_settings,
)
from function.routes import models_of, read_routes

PROFILE = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with two routes."""
    path = tmp_path / "routes.json"
    path.write_text(json.dumps({"invoice": {"schema": "desk:Invoice", "max_tokens": "500"}, "triage": {}}))
    return path


def routes_in(file: Path, environment: Mapping[str, str]) -> dict[str, Settings]:
    variables = {**environment, "LLM_ROUTES": str(file)}
    return read_routes(read_settings(variables), variables)


def test_without_a_file_there_is_one_route_with_the_settings_of_the_stack() -> None:
    environment = {"LLM_MAX_TOKENS": "7"}
    stack = read_settings(environment)

    assert read_routes(stack, environment) == {"stream": stack}


def test_the_models_are_those_of_all_routes(file: Path) -> None:
    one, two = "eu.anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-opus-5"

    assert models_of(routes_in(file, {"LLM_MODEL_ID": one})) == {one}
    assert models_of(routes_in(file, {"LLM_MODEL_ID": one, "LLM_FALLBACK_MODELS": two})) == {one, two}
    assert models_of(routes_in(file, {"LLM_MODEL_ID": one, "LLM_ROUTE_MODEL_ID": f"invoice={two}"})) == {one, two}


def test_what_a_route_does_not_have_of_its_own_is_the_stacks(file: Path) -> None:
    environment = {"LLM_SCHEMA": "desk:Answer", "LLM_MAX_ATTEMPTS": "3"}
    routes = routes_in(file, environment)

    assert list(routes) == ["invoice", "triage"]
    assert (routes["invoice"].schema, routes["invoice"].max_tokens, routes["invoice"].max_attempts) == (
        "desk:Invoice", 500, 3,
    )  # fmt: skip
    assert routes["triage"]._replace(routes=None) == read_settings(environment)


def test_what_the_deployment_alone_knows_is_in_variables(file: Path) -> None:
    environment = {
        "LLM_GUARDRAIL": "stack:1",
        "LLM_ROUTE_MODEL_ID": f"invoice={PROFILE},triage=eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        "LLM_ROUTE_PROFILE_MODEL": "invoice=anthropic.claude-opus-5",
        "LLM_ROUTE_GUARDRAIL": "invoice=arn:aws:bedrock:eu-central-1:1:guardrail/g:2",
    }
    routes = routes_in(file, environment)

    assert (routes["invoice"].model_id, routes["invoice"].profile_model) == (PROFILE, "anthropic.claude-opus-5")
    assert routes["invoice"].guardrail == Guardrail("arn:aws:bedrock:eu-central-1:1:guardrail/g", "2")
    assert routes["triage"].guardrail == Guardrail("stack", "1")


def test_the_model_behind_the_stacks_profile_is_not_that_of_a_route_with_another_model(file: Path) -> None:
    environment = {"LLM_PROFILE_MODEL": "anthropic.claude-opus-5", "LLM_ROUTE_MODEL_ID": f"triage={PROFILE}"}
    routes = routes_in(file, environment)

    assert routes["invoice"].profile_model == "anthropic.claude-opus-5"
    assert routes["triage"].profile_model is None


@pytest.mark.parametrize(
    ("written", "environment", "message"),
    [
        ("{", {}, r"LLM_ROUTES must name a JSON file .*; got '.*routes.json' \(Expecting property name"),
        ("{}", {}, "LLM_ROUTES must name a JSON file with at least one route"),
        ("[1]", {}, "LLM_ROUTES must name"),
        ('{"Invoice": {}}', {}, "LLM_ROUTES must name"),
        ('{"invoice": []}', {}, "LLM_ROUTES must name"),
        ('{"invoice": {"sink": "log"}}', {}, "LLM_ROUTES must name"),
        ('{"invoice": {"max_tokens": 5}}', {}, "LLM_ROUTES must name"),
        (
            '{"triage": {"max_tokens": "0"}}',
            {},
            "Route triage: LLM_MAX_TOKENS must be a whole number from 1 to 200000; got '0'.",
        ),
        (
            '{"triage": {}}',
            {"LLM_ROUTE_MODEL_ID": "invoice"},
            "LLM_ROUTE_MODEL_ID must be pairs of a route and its value, as in invoice=ID,triage=ID; got 'invoice'.",
        ),
        ('{"triage": {}}', {"LLM_ROUTE_GUARDRAIL": "triage=x"}, "Route triage: LLM_GUARDRAIL must be none or id:vers"),
    ],
)
def test_a_file_or_a_variable_that_cannot_be_used_is_named(
    file: Path, written: str, environment: Mapping[str, str], message: str
) -> None:
    file.write_text(written)
    with pytest.raises(SettingsError, match=f"^{message}"):
        routes_in(file, environment)


def test_a_file_that_is_missing_is_looked_for_in_the_folder_of_the_function() -> None:
    missing = re.escape(str(Path(routes.__file__).with_name("nowhere.json")))
    with pytest.raises(SettingsError, match=f"^LLM_ROUTES must name .*got 'nowhere.json' .*{missing}"):
        read_routes(read_settings({"LLM_ROUTES": "nowhere.json"}), {})


def test_the_names_in_the_contract_are_settings() -> None:
    assert set(ROUTE_VARIABLES) < ROUTE_SETTINGS < SETTINGS.keys()
