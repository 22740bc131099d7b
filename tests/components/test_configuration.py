"""A stack's configuration: Pulumi.yaml declares what the component takes, and a wrong value names its key."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components import InvalidArgument, StreamingLlmApi, StreamingLlmApiArgs, arguments_from
from components.contract import camel
from components.parsing import checked
from tests.components.recording import SECRET, SECRET_KIND, declare

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PROJECT = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())
Read = Callable[[Mapping[str, str]], StreamingLlmApiArgs]


@pytest.fixture
def read() -> Read:
    """The arguments of a stack with this configuration."""

    def arguments(values: Mapping[str, str]) -> StreamingLlmApiArgs:
        pulumi.runtime.set_all_config({f"p:{key}": text for key, text in values.items()})
        return arguments_from(pulumi.Config("p"))

    return arguments


def test_each_kind_of_value_is_read_as_what_it_is(read: Read) -> None:
    condition = {"StringEquals": {"aws:PrincipalTag/costCentre": ["42"]}}
    statement = {"actions": ["s3:GetObject"], "resources": ["*"], "effect": "Deny", "condition": condition}
    values = {
        "modelId": "anthropic.claude-sonnet-4-6",
        "timeout": "300",
        "temperature": "0.2",
        "captureContent": "true",
        "allowedOrigins": '["https://a.example"]',
        "throttle": '{"rate": 5, "burst": 9}',
        "authorizer": '{"userPools": ["arn:aws:cognito-idp:x"], "cacheSeconds": 0}',
        "authorization": "cognito",
        "tags": '{"costCentre": "42"}',
        "environment": '{"priceTable": "prices"}',
        "statements": json.dumps([statement]),
        "code": ".",
        "routes": '{"invoice": {"maxTokens": 9, "modelId": "m", "throttle": {"rate": 1, "burst": 2}}, "bodyLimit": {}}',
    }
    with pytest.raises(InvalidArgument, match=r"^a name in routes must be .*; got 'bodyLimit'"):
        checked(read(values))
    values["routes"] = values["routes"].replace("bodyLimit", "triage")
    assert read(values) == {
        "model_id": "anthropic.claude-sonnet-4-6",
        "timeout": 300,
        "temperature": 0.2,
        "capture_content": True,
        "allowed_origins": ["https://a.example"],
        "throttle": {"rate": 5, "burst": 9},
        "authorizer": {"user_pools": ["arn:aws:cognito-idp:x"], "cache_seconds": 0},
        "authorization": "cognito",
        "tags": {"costCentre": "42"},
        "environment": {"priceTable": "prices"},
        "statements": [statement],
        "code": ".",
        "routes": {
            "invoice": {"max_tokens": 9, "model_id": "m", "throttle": {"rate": 1, "burst": 2}},
            "triage": {},
        },
    }
    checked(read(values))


def test_a_secure_value_of_the_environment_is_passed_on_as_a_secret() -> None:
    """Pulumi reports of a whole key that it has a secret, not of which value."""
    config = {"p:environment": '{"TOKEN": "canary", "TABLE": "prices"}', "p:tags": '{"team": "llm"}'}
    pulumi.runtime.set_all_config(config, ["p:environment"])
    try:
        declared = declare(lambda: StreamingLlmApi("llm", arguments_from(pulumi.Config("p"))))
    finally:
        pulumi.runtime.set_all_config({}, [])
    variables = declared.one("Function").request.object["environment"]["variables"]
    assert dict(variables["TOKEN"].items()) == {SECRET: SECRET_KIND, "value": "canary"}
    assert "canary" not in str([child.inputs for child in declared.resources if child.name != "llm-function"])


def test_a_secure_environment_that_is_no_object_is_refused_without_its_text() -> None:
    pulumi.runtime.set_all_config({"p:environment": "canary"}, ["p:environment"])
    try:
        with pytest.raises(InvalidArgument, match=r"^environment must be an object whose values are texts; ") as caught:
            checked(arguments_from(pulumi.Config("p")))
    finally:
        pulumi.runtime.set_all_config({}, [])
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"timeout": "soon"}, "timeout must be a whole number from 5 to 890; got 'soon'."),
        ({"captureContent": "yes"}, "captureContent must be true or false; got 'yes'."),
        ({"allowedOrigins": "https://a.example"}, "allowedOrigins must be a list: "),
        ({"throttle": "5"}, "throttle must be an object with rate and burst; got 5."),
        ({"endpoint": "private"}, "endpoint: private requires vpcEndpoint"),
        ({"tiemout": "30"}, r"tiemout: there is no such argument\. Did you mean timeout\?"),
        ({"body_limit": "30"}, "body_limit: there is no such argument"),
        ({"throttle": '{"rates": 1}'}, r"throttle\.rates: there is no such argument\. Did you mean throttle\.rate\?"),
        (
            {"dashboard": '{"input_price": 1}'},
            (
                r"dashboard\.input_price: there is no such argument\. Did you mean dashboard\.inputPrice\? "
                r"dashboard has inputPrice, outputPrice and prices\."
            ),
        ),
        (
            {"statements": '[{"actions": ["s3:*"], "resource": ["*"]}]'},
            r"statements\[0\]\.resource: there is no such argument\. Did you mean statements\[0\]\.resources\?",
        ),
        (
            {"routes": '{"invoice": {"maxToken": 1}}'},
            r"routes\.invoice\.maxToken: there is no such argument\. Did you mean routes\.invoice\.maxTokens\?",
        ),
        (
            {"routes": '{"invoice": {"bodyLimit": "9"}}'},
            "routes.invoice.bodyLimit must be a whole number of bytes from",
        ),
        (
            {"routes": '{"invoice": {"throttle": {"rates": 1}}}'},
            r"routes\.invoice\.throttle\.rates: there is no such argument\. Did you mean routes\.invoice\.throttle",
        ),
    ],
)
def test_a_wrong_value_names_its_key_and_what_it_may_be(read: Read, values: Mapping[str, str], message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^{message}"):
        checked(read(values))


def test_every_declared_key_is_an_argument_with_a_description() -> None:
    arguments = {camel(name) for name in StreamingLlmApiArgs.__annotations__}
    assert set(PROJECT["config"]) <= arguments
    assert all(declared["description"] for declared in PROJECT["config"].values())


def test_what_is_not_declared_is_listed() -> None:
    """A declared key needs a default; those that have none are named in a comment beside the declarations."""
    text = (REPOSITORY / "Pulumi.yaml").read_text()
    comment = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    for name in StreamingLlmApiArgs.__annotations__:
        assert camel(name) in PROJECT["config"] or camel(name) in comment.replace(",", " ").replace(".", " ").split()


def test_the_declared_defaults_are_the_components_own(read: Read) -> None:
    """So that a program that imports the component and a stack of this repository mean the same."""
    texts = {key: _text(declared["default"]) for key, declared in PROJECT["config"].items()}
    assert checked(read(texts)) == checked({})


def test_declared_types_are_what_the_values_are(read: Read) -> None:
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list}
    texts = {key: _text(declared["default"]) for key, declared in PROJECT["config"].items()}
    given = {camel(name): value for name, value in read(texts).items()}
    assert {key: type(value) for key, value in given.items()} == {
        key: kinds[declared["type"]] for key, declared in PROJECT["config"].items()
    }


def _text(value: Any) -> str:
    """As the engine hands it to the program."""
    return value if isinstance(value, str) else str(value).lower().replace("'", '"')
