"""What several arguments add up to is checked at preview, with what is known by then."""

from typing import Any, cast

import pulumi
import pulumi_aws as aws
import pytest

from components import InvalidArgument, StreamingLlmApi, StreamingLlmApiArgs
from components.arguments import Authorization, RouteArgs, StatementArgs
from tests.components.recording import declare

TOO_MANY_CHARACTERS = r"^statements: the policies of the function's role must have at most 10,000 characters"
TOO_LARGE = r"^environment: the function's variables must have at most 4,096 bytes as JSON, those of its settings"


def _previewed(environment: dict[str, pulumi.Input[str]], **args: Any) -> None:
    given = cast("StreamingLlmApiArgs", {"authorization": "iam", "environment": environment, **args})
    declare(lambda: StreamingLlmApi("llm", given), preview=True, made=False)


def _size_of_the_settings() -> int:
    """Return the bytes that a variable ``A`` can have beside the settings of a stack with nothing else.

    It is a secret, which counts as much: the function is started only once then, because it does not see the value.
    """
    least, most = 0, 4096
    while most - least > 1:
        middle = (least + most) // 2
        try:
            _previewed({"A": pulumi.Output.secret("x" * middle)})
            least = middle
        except InvalidArgument:
            most = middle
    return least


def test_variables_of_ones_own_share_lambdas_limit_with_those_of_the_settings() -> None:
    fits = _size_of_the_settings()
    assert 2_000 < fits < 4_000
    with pytest.raises(InvalidArgument, match=TOO_LARGE):
        _previewed({"A": "x" * fits}, instructions="function.schema:INSTRUCTIONS")
    with pytest.raises(InvalidArgument, match=TOO_LARGE):
        _previewed({"A": "é" * fits})


def test_a_secret_counts_and_what_is_unknown_does_not() -> None:
    with pytest.raises(InvalidArgument, match=TOO_LARGE) as caught:
        _previewed({"A": pulumi.Output.secret("canary" * 1000)})
    assert "canary" not in str(caught.value)

    def unknown() -> None:
        later = aws.sns.Topic("later").arn.apply(lambda _: "x" * 5000)
        StreamingLlmApi("llm", {"authorization": cast("Any", "iam"), "environment": {"A": later, "B": "x"}})

    declare(unknown, preview=True, made=False)
    with pytest.raises(InvalidArgument, match=TOO_LARGE):
        declare(unknown)


def test_statements_share_iams_limit_with_the_functions_own_policies() -> None:
    """In the first preview the names of the function's own resources are unknown, so less is added up."""

    def program(characters: int) -> None:
        resources: list[pulumi.Input[str]] = [f"arn:aws:s3:::{'x' * characters}"]
        statements: list[StatementArgs] = [{"actions": ["s3:GetObject"], "resources": resources}]
        StreamingLlmApi("llm", {"authorization": Authorization.IAM, "statements": statements})

    declare(lambda: program(8_000))
    declare(lambda: program(9_700), preview=True, made=False)
    with pytest.raises(InvalidArgument, match=TOO_MANY_CHARACTERS):
        declare(lambda: program(9_700))
    with pytest.raises(InvalidArgument, match=TOO_MANY_CHARACTERS):
        declare(lambda: program(10_000), preview=True, made=False)


def test_twenty_routes_fit_beside_a_kilobyte_of_variables_of_ones_own() -> None:
    """Also if each has an application profile and a guardrail that are created with the stack."""
    profile = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abcdef1234{:02}"

    def program(own: int) -> None:
        routes: dict[str, RouteArgs] = {
            f"route-{number:02}": {
                "schema": "function.schema:Answer",
                "model_id": pulumi.Output.from_input(profile.format(number)),
                "model_regions": ["eu-central-1", "eu-north-1", "eu-west-1"],
                "guardrail": pulumi.Output.from_input(f"abcdef1234{number:02}:1"),
                "max_tokens": 1000 + number,
                "body_limit": 2000 + number,
                "throttle": {"rate": 1, "burst": number},
            }
            for number in range(20)
        }
        StreamingLlmApi(
            "llm", {"authorization": Authorization.IAM, "environment": {"OWN": "x" * own}, "routes": routes}
        )

    declared = declare(lambda: program(1024))
    variables = declared.one("Function").inputs["environment"]["variables"]
    assert variables["LLM_ROUTE_MODEL_ID"].count(",") == 19
    with pytest.raises(InvalidArgument, match=r"^environment and routes: the function's variables must have at most"):
        declare(lambda: program(2048))
