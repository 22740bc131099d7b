"""From a model id to what the role may call: the model, and nothing else."""

import json
from collections.abc import Sequence
from typing import cast

import pytest

from components.iam.document import Place
from components.iam.model import ACTION, Kind, guardrail_statements, model, model_statements, models_in
from tests.components.policies import allows, policy

PLACE = Place("aws", "eu-central-1", "123456789012")
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
PROFILES = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile"
APPLICATION = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3"


def _model(region: str, name: str) -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{name}"


@pytest.mark.parametrize(
    ("model_id", "kind", "name"),
    [
        (HAIKU, Kind.MODEL, HAIKU),
        ("anthropic.claude-sonnet-4-6", Kind.MODEL, "anthropic.claude-sonnet-4-6"),
        (_model("eu-central-1", HAIKU), Kind.MODEL, HAIKU),
        (f"eu.{HAIKU}", Kind.GEOGRAPHIC, HAIKU),
        (f"us-gov.{HAIKU}", Kind.GEOGRAPHIC, HAIKU),
        (f"apac.{HAIKU}", Kind.GEOGRAPHIC, HAIKU),
        (f"jp.{HAIKU}", Kind.GEOGRAPHIC, HAIKU),
        (f"a-new-one.{HAIKU}", Kind.GEOGRAPHIC, HAIKU),
        ("us.amazon.nova-pro-v1:0", Kind.GEOGRAPHIC, "amazon.nova-pro-v1:0"),
        ("deepseek.v3.2", Kind.MODEL, "deepseek.v3.2"),
        (f"global.{HAIKU}", Kind.GLOBAL, HAIKU),
        (f"{PROFILES}/eu.{HAIKU}", Kind.GEOGRAPHIC, HAIKU),
        (f"{PROFILES}/global.{HAIKU}", Kind.GLOBAL, HAIKU),
        (APPLICATION, Kind.APPLICATION, "*"),
    ],
)
def test_a_model_id_tells_what_it_names(model_id: str, kind: Kind, name: str) -> None:
    called = model(model_id)
    assert (called.kind, called.foundation_model) == (kind, name)


def test_only_a_geographic_or_application_profile_needs_a_look_up() -> None:
    ids = [HAIKU, f"global.{HAIKU}", f"eu.{HAIKU}", APPLICATION]
    assert [model(model_id).has_unknown_regions for model_id in ids] == [False, False, True, True]


def test_the_statements_of_a_global_profile_are_the_three_of_the_documentation() -> None:
    profile = f"{PROFILES}/global.{HAIKU}"
    through = {"bedrock:InferenceProfileArn": profile}
    assert model_statements([(model(f"global.{HAIKU}"), [])], PLACE) == [
        {"Sid": "Profile", "Effect": "Allow", "Action": ACTION, "Resource": [profile]},
        {
            "Sid": "ModelsBehindProfile",
            "Effect": "Allow",
            "Action": ACTION,
            "Resource": [_model("eu-central-1", HAIKU)],
            "Condition": {"StringEquals": through},
        },
        {
            "Sid": "ModelInAnyRegion",
            "Effect": "Allow",
            "Action": ACTION,
            "Resource": [_model("", HAIKU)],
            "Condition": {"StringEquals": {**through, "aws:RequestedRegion": "unspecified"}},
        },
    ]


Ask = tuple[str, str, dict[str, str], bool]


def _through(profile: str, **more: str) -> dict[str, str]:
    return {"bedrock:InferenceProfileArn": profile, **{f"aws:{key}": value for key, value in more.items()}}


GEOGRAPHIC = f"{PROFILES}/eu.{HAIKU}"
GLOBAL = f"{PROFILES}/global.{HAIKU}"
EU = [_model("eu-central-1", HAIKU), _model("eu-west-1", HAIKU), _model("eu-west-3", HAIKU)]

ASKS: list[tuple[str, Sequence[str], str, dict[str, str], bool]] = [
    (HAIKU, [], _model("eu-central-1", HAIKU), {}, True),
    (HAIKU, [], _model("us-east-1", HAIKU), {}, False),
    (HAIKU, [], _model("eu-central-1", SONNET), {}, False),
    (HAIKU, [], f"{PROFILES}/eu.{HAIKU}", {}, False),
    (f"eu.{HAIKU}", EU, GEOGRAPHIC, {}, True),
    (f"eu.{HAIKU}", EU, f"{PROFILES}/eu.{SONNET}", {}, False),
    (f"eu.{HAIKU}", EU, f"{PROFILES}/global.{HAIKU}", {}, False),
    (f"eu.{HAIKU}", EU, _model("eu-west-3", HAIKU), _through(GEOGRAPHIC), True),
    (f"eu.{HAIKU}", EU, _model("eu-central-1", HAIKU), _through(GEOGRAPHIC), True),
    (f"eu.{HAIKU}", EU, _model("eu-central-1", HAIKU), {}, False),
    (f"eu.{HAIKU}", EU, _model("eu-west-3", HAIKU), _through(GLOBAL), False),
    (f"eu.{HAIKU}", EU, _model("us-east-1", HAIKU), _through(GEOGRAPHIC), False),
    (f"eu.{HAIKU}", EU, _model("eu-west-3", SONNET), _through(GEOGRAPHIC), False),
    (f"eu.{HAIKU}", EU, _model("", HAIKU), _through(GEOGRAPHIC, RequestedRegion="unspecified"), False),
    (f"global.{HAIKU}", [], GLOBAL, {}, True),
    (f"global.{HAIKU}", [], _model("eu-central-1", HAIKU), _through(GLOBAL), True),
    (f"global.{HAIKU}", [], _model("eu-central-1", HAIKU), {}, False),
    (f"global.{HAIKU}", [], _model("", HAIKU), _through(GLOBAL, RequestedRegion="unspecified"), True),
    (f"global.{HAIKU}", [], _model("", HAIKU), _through(GLOBAL, RequestedRegion="us-east-1"), False),
    (f"global.{HAIKU}", [], _model("", HAIKU), {"aws:RequestedRegion": "unspecified"}, False),
    (f"global.{HAIKU}", [], _model("", SONNET), _through(GLOBAL, RequestedRegion="unspecified"), False),
    (APPLICATION, EU, APPLICATION, {}, True),
    (APPLICATION, EU, APPLICATION.replace("a1b2c3", "d4e5f6"), {}, False),
    (APPLICATION, EU, _model("eu-west-3", HAIKU), _through(APPLICATION), True),
    (APPLICATION, EU, _model("eu-west-3", HAIKU), {}, False),
    (APPLICATION, EU, _model("eu-west-3", SONNET), _through(APPLICATION), False),
    (APPLICATION, [_model("", HAIKU)], _model("", HAIKU), _through(APPLICATION, RequestedRegion="unspecified"), True),
    (APPLICATION, [_model("", HAIKU)], _model("", HAIKU), _through(APPLICATION, RequestedRegion="us-east-1"), False),
]


@pytest.mark.parametrize(("model_id", "behind", "resource", "context", "allowed"), ASKS)
def test_the_right_model_through_the_right_profile_and_no_other(
    model_id: str,
    behind: Sequence[str],
    resource: str,
    context: dict[str, str],
    *,
    allowed: bool,
) -> None:
    rules = policy(model_statements([(model(model_id), behind)], PLACE))
    assert allows([rules], ACTION, resource, context) is allowed


@pytest.mark.parametrize("model_id", [HAIKU, f"eu.{HAIKU}", f"global.{HAIKU}", APPLICATION])
def test_nothing_but_the_streaming_call_is_allowed(model_id: str) -> None:
    rules = policy(model_statements([(model(model_id), EU)], PLACE))
    for action in ("bedrock:InvokeModel", "bedrock:GetInferenceProfile", "bedrock:CreateModelInvocationJob"):
        assert not allows([rules], action, _model("eu-central-1", HAIKU), _through(GEOGRAPHIC))


def test_stated_regions_stand_for_the_look_up_and_the_source_is_always_among_them() -> None:
    called = model(f"eu.{HAIKU}")
    assert models_in(called, PLACE, ["eu-west-3", "eu-west-1"]) == EU


def test_an_application_profile_with_stated_regions_is_bound_by_its_condition_alone() -> None:
    """Its ARN does not tell the model: any model of these regions, but only through this very profile."""
    called = model(APPLICATION)
    rules = policy(model_statements([(called, models_in(called, PLACE, ["eu-west-1"]))], PLACE))
    assert allows([rules], ACTION, _model("eu-west-1", HAIKU), _through(APPLICATION))
    assert not allows([rules], ACTION, _model("eu-west-1", HAIKU), {})
    assert not allows([rules], ACTION, _model("us-east-1", HAIKU), _through(APPLICATION))


def test_other_partitions_are_named_as_they_are() -> None:
    place = Place.of("arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:x")
    statements = model_statements([(model(HAIKU), [])], place)
    assert statements[0]["Resource"] == [f"arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/{HAIKU}"]


@pytest.mark.parametrize(
    ("guardrail", "arn"),
    [
        ("abc123:1", "arn:aws:bedrock:eu-central-1:123456789012:guardrail/abc123"),
        (
            "arn:aws:bedrock:us-east-1:123456789012:guardrail/x:DRAFT",
            "arn:aws:bedrock:us-east-1:123456789012:guardrail/x",
        ),
    ],
)
def test_a_guardrail_may_be_applied_and_no_other(guardrail: str, arn: str) -> None:
    rules = policy(guardrail_statements([guardrail], PLACE))
    assert allows([rules], "bedrock:ApplyGuardrail", arn)
    assert not allows([rules], "bedrock:ApplyGuardrail", f"{arn}x")


def test_several_models_are_allowed_by_as_few_statements_as_possible() -> None:
    """Twenty profiles of one model take no more statements than one, and none of them leads to another model."""
    profiles = [APPLICATION.replace("a1b2c3", f"a{number}") for number in range(20)]
    called = [(model(profile), EU) for profile in profiles]
    other = model(f"eu.{SONNET}")
    behind = [_model("eu-west-1", SONNET)]
    statements = model_statements([*called, (other, behind), (model(HAIKU), []), (model(HAIKU), [])], PLACE)
    sids = [str(statement["Sid"]) for statement in statements]

    assert sids == ["Profile", "ModelsBehindProfile", "ModelsBehindProfile2", "Model"]
    rules = [policy(statements)]
    for profile in profiles:
        assert allows(rules, ACTION, profile)
        assert allows(rules, ACTION, EU[2], _through(profile))
        assert not allows(rules, ACTION, behind[0], _through(profile))
    assert allows(rules, ACTION, behind[0], _through(f"{PROFILES}/eu.{SONNET}"))
    assert not allows(rules, ACTION, EU[2], _through(f"{PROFILES}/eu.{SONNET}"))
    assert allows(rules, ACTION, _model("eu-central-1", HAIKU))
    assert sum(len(json.dumps(statement)) for statement in statements) < 6_000


def test_several_guardrails_are_one_statement() -> None:
    [statement] = guardrail_statements(["a:1", "b:DRAFT", "a:2"], PLACE)
    assert [str(arn).rpartition("/")[2] for arn in cast("list[str]", statement["Resource"])] == ["a", "b"]
