"""The component as a whole: the function, its options, its outputs, and how it behaves among other resources."""

import json
import re
import zipfile
from collections.abc import Mapping
from typing import Any, cast

import pulumi
import pulumi_aws as aws
import pytest

from components import InvalidArgument, StreamingLlmApi, StreamingLlmApiArgs
from components.arguments import Authorization
from components.bundle.archive import ROUTES_PLACE
from components.bundle.target import running_python
from components.iam.model import ACTION
from components.parsing import checked
from components.streaming_llm_api import answers_cut_by_time
from tests.components.options_table import EVERYTHING, KEY, POOL, TOPIC, WEB_ACL
from tests.components.policies import allows
from tests.components.published import arguments, inputs
from tests.components.recording import SECRET, Declared, declare

HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
APPLICATION = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc"
PROFILE = "aws:bedrock/getInferenceProfile:getInferenceProfile"


def _declared(**args: Any) -> Declared:
    given = cast("StreamingLlmApiArgs", args)
    return declare(lambda: StreamingLlmApi("llm", given))


def _variables(declared: Declared) -> dict[str, str]:
    variables = declared.one("Function").inputs["environment"]["variables"]
    assert isinstance(variables, dict)
    return variables


def test_the_function_is_started_through_the_wrapper() -> None:
    function = _declared().one("Function").inputs
    assert function["handler"] == "function.handler.handle"
    assert function["environment"]["variables"]["AWS_LAMBDA_EXEC_WRAPPER"] == "/var/task/bootstrap"
    assert function["runtime"] == f"python{running_python()}"
    assert function["architectures"] == ["arm64"]
    with zipfile.ZipFile(function["code"].path) as opened:
        assert {"bootstrap", "function/handler.py", "function/aws/runtime/__main__.py"} <= set(opened.namelist())


OF_LAMBDA: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {
            "memory": 2048,
            "timeout": 300,
            "reserved_concurrency": 7,
            "architecture": "x86_64",
            "kms_key": KEY,
            "vpc": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
        },
        {
            "memorySize": 2048,
            "timeout": 300,
            "reservedConcurrentExecutions": 7,
            "architectures": ["x86_64"],
            "kmsKeyArn": KEY,
            "vpcConfig": {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]},
        },
    ),
    ({"reserved_concurrency": 0}, {"reservedConcurrentExecutions": 0}),
]


@pytest.mark.parametrize(("args", "inputs"), OF_LAMBDA)
def test_what_is_lambdas_own_is_set_there(args: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
    found = _declared(**args).one("Function").inputs
    assert {name: found[name] for name in inputs} == inputs


OF_THE_FUNCTION: list[tuple[dict[str, Any], dict[str, str]]] = [
    (
        {
            "model_id": HAIKU,
            "temperature": 0.2,
            "max_tokens": 50,
            "structured_output": "prompt",
            "guardrail": "abc:1",
            "guardrail_streaming": "async",
            "cache": "1h",
            "body_limit": 99,
            "allowed_origins": ["https://a.example", "https://b.example"],
            "start_padding": 6000,
            "capture_content": True,
            "publish_outcomes": ["completed", "failed"],
            "max_attempts": 2,
            "endpoint": "edge",
            "authorization": "iam",
            "caller_fields": ["id", "claims.cognitoIdentityId"],
            "services": ["sns", "sts"],
        },
        {
            "LLM_MODEL_ID": HAIKU,
            "LLM_TEMPERATURE": "0.2",
            "LLM_MAX_TOKENS": "50",
            "LLM_STRUCTURED_OUTPUT": "prompt",
            "LLM_GUARDRAIL": "abc:1",
            "LLM_GUARDRAIL_STREAMING": "async",
            "LLM_CACHE": "1h",
            "LLM_BODY_LIMIT": "99",
            "LLM_ALLOWED_ORIGINS": "https://a.example,https://b.example",
            "LLM_START_PADDING": "6000",
            "LLM_CAPTURE_CONTENT": "true",
            "LLM_PUBLISH_OUTCOMES": "completed,failed",
            "LLM_MAX_ATTEMPTS": "2",
            "LLM_FIRST_EVENT_TIMEOUT": "25",
            "LLM_HEARTBEAT": "3",
            "LLM_AUTHORIZATION": "iam",
            "LLM_CALLER_FIELDS": "id,claims.cognitoIdentityId",
            "LLM_SERVICES": "sns,sts",
        },
    ),
    (
        {
            "model_id": "anthropic.claude-opus-5",
            "effort": "xhigh",
            "show_thinking": True,
            "publish_outcomes": [],
            "head_within": 20,
            "authorization": "apiKey",
        },
        {
            "LLM_EFFORT": "xhigh",
            "LLM_SHOW_THINKING": "true",
            "LLM_PUBLISH_OUTCOMES": "none",
            "LLM_HEAD_WITHIN": "20",
            "LLM_AUTHORIZATION": "apiKey",
        },
    ),
    ({"thinking": "off"}, {"LLM_THINKING": "off", "LLM_AUTHORIZATION": "none"}),
]
"""Arguments, and the variables that they become: as many as fit together, since each row starts the function."""


@pytest.mark.parametrize(("args", "variables"), OF_THE_FUNCTION)
def test_what_the_function_needs_is_a_variable(args: Mapping[str, Any], variables: Mapping[str, str]) -> None:
    found = _variables(_declared(**args))
    assert {name: found.get(name) for name in variables} == variables


def test_a_temperature_is_a_variable_only_where_one_was_asked_for() -> None:
    assert "LLM_TEMPERATURE" not in _variables(_declared())


def test_logs_have_their_group_before_the_function_is_made() -> None:
    declared = _declared(log_retention=7, kms_key=KEY)
    group = declared.one("LogGroup")
    assert (group.inputs["retentionInDays"], group.inputs["kmsKeyId"]) == (7, KEY)
    function = declared.one("Function")
    assert function.inputs["loggingConfig"]["logGroup"] == group.name
    assert group.name in function.dependencies


def _role_allows(declared: Declared, action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
    documents = [json.loads(policy.inputs["policy"]) for policy in declared.of("RolePolicy") if "-may-" in policy.name]
    return allows(documents, action, resource, context)


def test_the_role_is_lambdas_and_calls_the_model() -> None:
    declared = _declared(model_id=HAIKU)
    trust = json.loads(declared.one("Role").inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert _role_allows(declared, ACTION, f"arn:aws:bedrock:eu-central-1::foundation-model/{HAIKU}")


def test_the_default_model_is_called_without_any_look_up() -> None:
    """So that a preview needs no credentials."""
    assert _declared().calls == []


def test_a_geographic_profile_is_asked_for_its_regions() -> None:
    behind = [f"arn:aws:bedrock:{region}::foundation-model/{HAIKU}" for region in ("eu-central-1", "eu-north-1")]
    answer = {"models": [{"modelArn": arn} for arn in behind]}
    declared = declare(
        lambda: StreamingLlmApi("llm", {"model_id": f"eu.{HAIKU}"}),
        {PROFILE: lambda asked: {**asked, **answer}},
    )
    profile = f"arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.{HAIKU}"
    assert [call.args["inferenceProfileId"] for call in declared.calls] == [f"eu.{HAIKU}"]
    assert _role_allows(declared, ACTION, behind[1], {"bedrock:InferenceProfileArn": profile})
    assert not _role_allows(declared, ACTION, behind[1])


def test_stated_regions_spare_the_look_up() -> None:
    declared = _declared(model_id=f"eu.{HAIKU}", model_regions=["eu-north-1"])
    assert declared.calls == []
    policy = declared.one("RolePolicy", "may-call-model").inputs["policy"]
    assert "arn:aws:bedrock:eu-north-1::foundation-model" in policy
    assert "arn:aws:bedrock:eu-central-1::foundation-model" in policy


def test_a_profile_of_the_same_program_may_be_the_model() -> None:
    arn = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc"
    behind = f"arn:aws:bedrock:eu-west-1::foundation-model/{HAIKU}"
    declared = declare(
        lambda: StreamingLlmApi("llm", {"model_id": pulumi.Output.from_input(arn)}),
        {PROFILE: lambda asked: {**asked, "models": [{"modelArn": behind}]}},
    )
    assert _variables(declared)["LLM_MODEL_ID"] == arn
    assert _variables(declared)["LLM_PROFILE_MODEL"] == HAIKU
    assert _role_allows(declared, ACTION, arn)
    assert _role_allows(declared, ACTION, behind, {"bedrock:InferenceProfileArn": arn})


def test_the_role_calls_exactly_the_models_that_follow_one_another() -> None:
    """Each through its own profile; Bedrock is asked for the regions of each profile that does not tell them."""
    sonnet, opus = "anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-opus-4-5-20251101-v1:0"
    others: list[str] = [f"eu.{HAIKU}", f"eu.{sonnet}", opus]
    args: StreamingLlmApiArgs = {"model_id": f"global.{HAIKU}", "fallback_models": others}

    def behind(asked: Mapping[str, Any]) -> dict[str, Any]:
        name = asked["inferenceProfileId"].removeprefix("eu.")
        return {**asked, "models": [{"modelArn": f"arn:aws:bedrock:eu-north-1::foundation-model/{name}"}]}

    declared = declare(lambda: StreamingLlmApi("llm", args), {PROFILE: behind})
    assert [call.args["inferenceProfileId"] for call in declared.calls] == [f"eu.{HAIKU}", f"eu.{sonnet}"]
    assert _variables(declared)["LLM_FALLBACK_MODELS"] == f"eu.{HAIKU},eu.{sonnet},{opus}"

    def through(profile: str) -> dict[str, str]:
        arn = f"arn:aws:bedrock:eu-central-1:123456789012:inference-profile/{profile}"
        assert _role_allows(declared, ACTION, arn)
        return {"bedrock:InferenceProfileArn": arn}

    north = "arn:aws:bedrock:eu-north-1::foundation-model"
    assert _role_allows(declared, ACTION, f"arn:aws:bedrock:eu-central-1::foundation-model/{opus}")
    assert _role_allows(declared, ACTION, f"{north}/{HAIKU}", through(f"eu.{HAIKU}"))
    assert _role_allows(declared, ACTION, f"{north}/{sonnet}", through(f"eu.{sonnet}"))
    for model, context in (
        (f"{north}/{opus}", {}),
        (f"{north}/{sonnet}", {}),
        (f"{north}/{sonnet}", through(f"eu.{HAIKU}")),
        (f"{north}/{HAIKU}", through(f"global.{HAIKU}")),
        (f"arn:aws:bedrock:eu-central-1::foundation-model/{sonnet}", {}),
    ):
        assert not _role_allows(declared, ACTION, model, context)


def test_the_preview_lists_what_other_models_are_sent() -> None:
    """And warns of a time in which a model that thinks may send nothing."""
    others = ["anthropic.claude-opus-5-5", HAIKU]
    warnings = _declared(authorization="iam", fallback_models=others, fallback_after=30).warnings()
    assert (
        "fallbackModels: a request to anthropic.claude-opus-5-5 differs: temperature is none in place of 0.7, "
        "maxTokens is 8000 in place of 2000." in warnings
    )
    [late] = [warning for warning in warnings if warning.startswith("fallbackAfter: ")]
    assert late.startswith("fallbackAfter: anthropic.claude-opus-5-5 thinks, and can send nothing for a minute or more")
    assert not any(f"a request to {HAIKU} differs" in warning for warning in warnings)


def test_the_look_up_of_an_application_profile_names_its_model_once() -> None:
    """A profile's ARN does not say whether its model accepts a temperature."""
    behind = [
        f"arn:aws:bedrock:{region}::foundation-model/anthropic.claude-opus-5" for region in ("us-east-1", "us-west-2")
    ]
    declared = declare(
        lambda: StreamingLlmApi("llm", {"model_id": APPLICATION}),
        {PROFILE: lambda asked: {**asked, "models": [{"modelArn": arn} for arn in behind]}},
    )

    assert _variables(declared)["LLM_PROFILE_MODEL"] == "anthropic.claude-opus-5"
    assert len(declared.calls) == 1


def test_stated_regions_leave_the_model_of_a_profile_to_its_argument() -> None:
    profile: StreamingLlmApiArgs = {"model_id": APPLICATION, "model_regions": ["us-east-1"]}
    assert "LLM_PROFILE_MODEL" not in _variables(declare(lambda: StreamingLlmApi("llm", profile)))

    named: StreamingLlmApiArgs = {**profile, "profile_model": "anthropic.claude-opus-5"}
    declared = declare(lambda: StreamingLlmApi("llm", named))
    assert _variables(declared)["LLM_PROFILE_MODEL"] == "anthropic.claude-opus-5"
    assert declared.calls == []


def test_a_model_that_its_id_names_needs_no_variable() -> None:
    assert "LLM_PROFILE_MODEL" not in _variables(_declared(model_id=f"eu.{HAIKU}", model_regions=["eu-north-1"]))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"temperature": 0.5}, "temperature must be none: anthropic.claude-opus-5-5 does not accept a temperature."),
        (
            {"structured_output": "tool"},
            "structuredOutput must be auto, native or prompt: anthropic.claude-opus-5-5 cannot be forced",
        ),
        (
            {"thinking": "off"},
            "thinking cannot be off: anthropic.claude-opus-5-5 always thinks. Lower effort instead.",
        ),
    ],
)
@pytest.mark.parametrize("is_behind_a_profile", [False, True])
def test_what_the_model_is_known_to_refuse_fails_the_preview(
    args: dict[str, Any], message: str, *, is_behind_a_profile: bool
) -> None:
    name = "anthropic.claude-opus-5-5"
    model = {"model_id": APPLICATION, "model_regions": ["us-east-1"], "profile_model": name}
    given = {**args, **(model if is_behind_a_profile else {"model_id": name})}

    with pytest.raises(InvalidArgument, match=re.escape(message)):
        declare(lambda: StreamingLlmApi("llm", cast("StreamingLlmApiArgs", given)))


def test_thinking_cannot_be_shown_where_the_model_will_not_think() -> None:
    """The message names the arguments."""
    sentence = "showThinking must be false: anthropic.claude-opus-4-8 thinks only with thinking: on."
    given = cast("StreamingLlmApiArgs", {"model_id": "anthropic.claude-opus-4-8", "show_thinking": True})

    with pytest.raises(InvalidArgument, match=re.escape(sentence)):
        declare(lambda: StreamingLlmApi("llm", given))


def test_no_temperature_is_sent_if_the_word_none_is_set() -> None:
    given = cast("StreamingLlmApiArgs", {"temperature": "none"})
    assert _variables(declare(lambda: StreamingLlmApi("llm", given)))["LLM_TEMPERATURE"] == "none"
    assert "LLM_TEMPERATURE" not in _variables(_declared())


def test_what_was_not_asked_for_is_not_allowed() -> None:
    names = {resource.name for resource in _declared().of("RolePolicy")}
    assert names == {"llm-may-log", "llm-may-trace", "llm-may-call-model"}


READS = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::prices/*"]}


def test_own_modules_can_do_what_their_statements_say() -> None:
    """They are one policy more, before the function is made; its resources can be outputs."""
    team = {"StringEquals": {"aws:PrincipalTag/team": ["llm"]}}
    queue = pulumi.Output.from_input("arn:aws:sqs:eu-central-1:123456789012:jobs")
    given: list[dict[str, Any]] = [
        READS,
        {"actions": ["sqs:SendMessage"], "resources": [queue], "condition": team},
        {"actions": ["s3:*"], "resources": ["arn:aws:s3:::prices/secret"], "effect": "Deny"},
    ]
    declared = _declared(statements=given)

    assert _role_allows(declared, "s3:GetObject", "arn:aws:s3:::prices/a")
    assert not _role_allows(declared, "s3:GetObject", "arn:aws:s3:::prices/secret")
    jobs = "arn:aws:sqs:eu-central-1:123456789012:jobs"
    assert _role_allows(declared, "sqs:SendMessage", jobs, {"aws:PrincipalTag/team": "llm"})
    assert not _role_allows(declared, "sqs:SendMessage", jobs)
    assert "llm-may-own-code" in declared.one("Function").dependencies


def test_equal_statements_are_written_once() -> None:
    both = ["s3:GetObject", "s3:PutObject"]
    given = [READS, {**READS, "actions": both}, {**READS, "effect": "Allow"}, {**READS, "actions": both[::-1]}]
    [first, second] = json.loads(
        _declared(statements=given).one("RolePolicy", "may-own-code").inputs["policy"],
    )["Statement"]
    assert (first["Action"], second["Action"]) == (["s3:GetObject"], both)


@pytest.mark.parametrize(
    ("statement", "warning"),
    [
        ({**READS, "actions": ["*"]}, "statements[0].actions contains *: "),
        ({**READS, "actions": ["iam:PassRole"]}, "statements[0].actions contains iam:PassRole, which allows "),
        ({**READS, "actions": ["IAM:pass*"]}, "statements[0].actions contains IAM:pass*, which allows iam:PassRole"),
        ({**READS, "actions": ["*"], "effect": "Deny"}, None),
        ({**READS, "actions": ["s3:*", "iam:GetRole"]}, None),
    ],
)
def test_a_statement_that_gives_away_too_much_is_warned_of(statement: dict[str, Any], warning: str | None) -> None:
    warnings = _declared(statements=[statement], authorization="iam").warnings()
    assert len(warnings) == (warning is not None)
    assert all(each.startswith(str(warning)) for each in warnings)


@pytest.mark.parametrize(
    ("args", "warning"),
    [
        ({}, None),
        ({"model_id": "anthropic.claude-opus-5"}, None),
        ({"max_tokens": 4_400}, None),
        (
            {"max_tokens": 4_800},
            "maxTokens is 4,800: at 40 tokens per second, such an answer takes 120 s, and timeout leaves 110 s for it.",
        ),
        (
            {"model_id": "anthropic.claude-opus-5", "timeout": 120},
            "maxTokens is 8,000: at 40 tokens per second, such an answer takes 200 s, and timeout leaves 110 s for it.",
        ),
        (
            {"timeout": 60, "routes": {"short": {"max_tokens": 9}, "big": {"max_tokens": 3_000}}},
            (
                "routes.big.maxTokens is 3,000: at 40 tokens per second, such an answer takes 75 s, and timeout leaves "
                "50 s for it."
            ),
        ),
    ],
)
def test_the_preview_warns_where_the_time_may_end_before_the_tokens(
    args: StreamingLlmApiArgs, warning: str | None
) -> None:
    expected = [] if warning is None else [f"{warning} Raise timeout, or lower maxTokens."]

    assert list(answers_cut_by_time(checked(args))) == expected


def test_an_endpoint_without_authorization_says_at_every_preview_what_a_stranger_can_cost() -> None:
    declared = declare(
        lambda: StreamingLlmApi("llm", {"throttle": {"rate": 2, "burst": 2}, "max_tokens": 100}),
        preview=True,
    )
    [warning] = declared.warnings()
    assert warning.startswith("authorization is none: anyone who finds the URL can call it.")
    assert "172,800 requests per day pass. They can use up to 17,280,000 output tokens" in warning


def test_a_private_endpoint_is_for_those_who_reach_it() -> None:
    [warning] = _declared(endpoint="private", vpc_endpoint={"id": "vpce-1"}).warnings()
    assert warning.startswith("authorization is none: anyone who reaches the VPC endpoint can call it.")


def test_with_authorization_there_is_nothing_to_warn_of() -> None:
    assert _declared(authorization="iam").warnings() == []


def test_a_runtime_that_is_not_the_building_python_is_warned_of() -> None:
    other = "python3.13" if running_python() != "3.13" else "python3.12"
    declared = _declared(authorization="iam", runtime=other)
    assert declared.one("Function").inputs["runtime"] == other
    assert declared.warnings()[0].startswith(f"runtime is {other}, but this program runs on Python")


@pytest.mark.parametrize("args", EVERYTHING, ids="+".join)
def test_children_are_named_after_the_component_and_parented_to_it(args: StreamingLlmApiArgs) -> None:
    declared = declare(lambda: StreamingLlmApi("llm", args))
    shared = {"api-gateway-logging", "api-gateway-logging-role", "api-gateway-logging-policy"}
    for child in declared.resources:
        if child.name != "llm" and child.name not in shared:
            assert child.name.startswith("llm-")
            assert child.parent == "llm"


@pytest.mark.parametrize("args", [args for args in EVERYTHING if args.get("tags")], ids="+".join)
def test_everything_that_can_have_tags_has_them(args: StreamingLlmApiArgs) -> None:
    for child in declare(lambda: StreamingLlmApi("llm", args)).resources:
        if child.type.startswith("aws:") and "tags" in inputs(arguments(child.type)):
            assert child.inputs["tags"] == args["tags"], child.name


def test_nothing_has_a_name_that_two_stacks_could_fight_over() -> None:
    """Physical names are left to Pulumi; the two that are fixed carry the API's id or the function's name."""
    for args in EVERYTHING:
        for child in declare(lambda args=args: StreamingLlmApi("llm", args)).resources:  # type: ignore[misc]
            fixed = {key for key in ("name", "bucket", "functionName", "topicName") if key in child.inputs}
            if child.type.startswith("aws:") and fixed and child.type != "aws:route53/record:Record":
                assert child.inputs.get("name", child.inputs.get("bucket", "")) in {
                    "API-Gateway-Execution-Logs_llm-api-id/v1",
                    "llm-records",
                }, child.name


def test_several_instances_share_nothing_but_the_account() -> None:
    def program() -> None:
        StreamingLlmApi("one", {"access_log": True, "manage_account_logging": True})
        StreamingLlmApi("two", {"access_log": True, "manage_account_logging": True, "sink": "sns"})

    declared = declare(program)
    assert len({(resource.type, resource.name) for resource in declared.resources}) == len(declared.resources)
    for child in declared.resources:
        other = {"one": "two", "two": "one"}.get(child.parent)
        assert not [name for name in child.dependencies if other and name.startswith(f"{other}-")]
    assert declared.outputs["one"]["url"] != declared.outputs["two"]["url"]


def test_the_account_wide_role_is_set_up_once_and_left_there() -> None:
    def program() -> None:
        StreamingLlmApi("one", {"access_log": True, "manage_account_logging": True})
        StreamingLlmApi("two", {"access_log": True, "manage_account_logging": True})

    declared = declare(program)
    names = {"api-gateway-logging-role", "api-gateway-logging-policy", "api-gateway-logging"}
    shared = [resource for resource in declared.resources if resource.name in names]
    assert {resource.name for resource in shared} == names
    assert len(shared) == len(names)
    assert all(resource.request.retainOnDelete for resource in shared)
    assert "api-gateway-logging-policy" in declared.one("Account").dependencies
    for stage in declared.of("Stage"):
        assert names <= stage.dependencies
    for settings in declared.of("MethodSettings"):
        assert names <= settings.dependencies


def test_each_program_sets_the_role_up_for_itself() -> None:
    """What one run of a program declared is nothing to the next."""
    for _ in range(2):
        assert _declared(access_log=True, manage_account_logging=True).of("Account")


def test_an_explicit_provider_reaches_every_child_and_the_shared_role() -> None:
    def program() -> None:
        provider = aws.Provider("frankfurt", region="eu-central-1")
        options = pulumi.ResourceOptions(providers=[provider])
        StreamingLlmApi("llm", {"access_log": True, "manage_account_logging": True}, options)

    declared = declare(program)
    children = [resource for resource in declared.resources if resource.type.startswith("aws:")]
    assert len(children) > 20
    assert all("::frankfurt::" in resource.request.provider for resource in children)
    assert declared.one("Account").name == "api-gateway-logging-frankfurt"


def test_endpoints_of_one_provider_share_the_role_and_another_region_has_its_own() -> None:
    """The setting is one for an account and region, which a provider stands for."""
    asked: StreamingLlmApiArgs = {"access_log": True, "manage_account_logging": True}

    def program() -> None:
        here, there = (aws.Provider(name, region=name) for name in ("eu-central-1", "us-east-1"))
        for name, provider in (("one", here), ("two", here), ("three", there), ("four", None)):
            StreamingLlmApi(name, asked, pulumi.ResourceOptions(provider=provider))

    declared = declare(program)
    assert sorted(resource.name for resource in declared.of("Account")) == [
        "api-gateway-logging",
        "api-gateway-logging-eu-central-1",
        "api-gateway-logging-us-east-1",
    ]
    assert declared.one("Stage", "two-stage").dependencies >= {"api-gateway-logging-eu-central-1"}
    assert declared.one("Stage", "three-stage").dependencies >= {"api-gateway-logging-us-east-1"}


def test_a_look_up_goes_through_the_components_provider() -> None:
    def program() -> None:
        provider = aws.Provider("frankfurt", region="eu-central-1")
        StreamingLlmApi("llm", {"model_id": f"eu.{HAIKU}"}, pulumi.ResourceOptions(provider=provider))

    declared = declare(program, {PROFILE: lambda asked: {**asked, "models": []}})
    assert all("::frankfurt::" in call.provider for call in declared.calls)
    assert declared.calls


def test_protect_reaches_the_children_and_an_alias_the_engine() -> None:
    """The engine gives an alias on to the children by their names, which begin with the component's.

    A deployment is made anew by every change of the API: protected, it would forbid the change.
    """
    options = pulumi.ResourceOptions(protect=True, aliases=[pulumi.Alias(name="old")])
    declared = declare(lambda: StreamingLlmApi("llm", {}, options))
    assert {child.name for child in declared.resources if not child.request.protect} == {"llm-deployment"}
    assert [alias.spec.name for alias in declared.one("StreamingLlmApi").request.aliases] == ["old"]


def test_a_transform_reaches_the_engine() -> None:
    """The engine runs it on the component and on every child; here it is seen to be handed over."""

    def transform(_: pulumi.ResourceTransformArgs) -> None:
        return None

    declared = declare(lambda: StreamingLlmApi("llm", {}, pulumi.ResourceOptions(transforms=[transform])))
    assert len(declared.one("StreamingLlmApi").request.transforms) == 1


def test_the_component_may_depend_on_something() -> None:
    def program() -> None:
        first = aws.sns.Topic("first")
        StreamingLlmApi("llm", {}, pulumi.ResourceOptions(depends_on=[first]))

    declared = declare(program)
    assert "first" in declared.one("StreamingLlmApi").dependencies


def test_no_resource_is_declared_before_the_function_is_built() -> None:
    """Archives are read while resources are registered; and a wrong argument leaves nothing half declared."""

    def program() -> None:
        aws.sns.Topic("witness")
        with pytest.raises(InvalidArgument):
            StreamingLlmApi("llm", {"code": "nowhere-to-be-found"})

    assert [resource.name for resource in declare(program).resources] == ["witness"]


def test_outputs_are_registered_and_the_key_is_a_secret() -> None:
    outputs = _declared(authorization="apiKey", dashboard={}, sink="sns", store="dynamodb").outputs["llm"]
    assert outputs["functionName"] == "llm-function"
    assert outputs["restApiId"] == "llm-api-id"
    assert outputs["logGroupName"] == "llm-log"
    assert outputs["roleName"] == "llm-role"
    assert outputs["sink"] == "sns:arn:aws:sns:eu-central-1:123456789012:llm-records"
    assert outputs["store"] == "dynamodb:llm-records-table"
    assert outputs["dashboardUrl"].endswith("#dashboards/dashboard/llm-function")
    assert SECRET in outputs["apiKey"]


def test_a_preview_before_anything_exists_succeeds() -> None:
    """Outputs are unknown then; what is checked must not need them."""
    for args in EVERYTHING:
        declare(lambda args=args: StreamingLlmApi("llm", args), preview=True, made=False)  # type: ignore[misc]


@pytest.mark.parametrize("made", [True, False])
def test_what_it_works_with_may_be_made_by_the_same_program(*, made: bool) -> None:
    """Its ARNs and names are unknown in the first preview."""

    def of(name: str, value: str) -> pulumi.Output[str]:
        return aws.sns.Topic(name).arn.apply(lambda _: value)

    def program() -> None:
        StreamingLlmApi(
            "llm",
            {
                "model_id": of("profile", "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc"),
                "model_regions": ["eu-west-1"],
                "authorization": Authorization.COGNITO,
                "authorizer": {"user_pools": [of("pool", POOL)]},
                "sink": of("topic", f"sns:{TOPIC}"),
                "store": of("table", "dynamodb:records"),
                "guardrail": of("guardrail", "abc123:1"),
                "alarm_topic": of("on-call", TOPIC),
                "kms_key": of("key", KEY),
                "web_acl": of("acl", WEB_ACL),
                "vpc": {"subnets": [of("subnet", "subnet-1")], "security_groups": [of("group", "sg-1")]},
                "tags": {"team": of("team", "llm")},
            },
        )

    declared = declare(program, preview=not made, made=made)
    assert {"profile", "topic", "table", "guardrail", "key", "subnet", "group"} <= declared.one("Function").dependencies
    assert declared.one("WebAclAssociation").dependencies >= {"acl", "llm-stage"}
    assert declared.one("Authorizer").dependencies >= {"pool"}
    assert all("on-call" in alarm.dependencies for alarm in declared.of("MetricAlarm"))


def test_what_routes_decide_is_in_the_bundle_and_only_outputs_are_variables() -> None:
    profile = pulumi.Output.from_input(APPLICATION)
    declared = declare(
        lambda: StreamingLlmApi(
            "llm",
            {
                "authorization": Authorization.IAM,
                "routes": {
                    "invoice": {"model_id": HAIKU, "max_tokens": 9, "guardrail": "abc:1"},
                    "triage": {"model_id": profile, "guardrail": pulumi.Output.from_input("def:2")},
                    "other": {"model_id": profile},
                    "plain": {},
                },
            },
        ),
        {PROFILE: lambda asked: {**asked, "models": [{"modelArn": f"arn:aws:bedrock:x::foundation-model/{HAIKU}"}]}},
    )
    with zipfile.ZipFile(declared.one("Function").inputs["code"].path) as opened:
        assert json.loads(opened.read(ROUTES_PLACE)) == {
            "invoice": {"model_id": HAIKU, "max_tokens": "9", "guardrail": "abc:1"},
            "triage": {},
            "other": {},
            "plain": {},
        }
    variables = _variables(declared)
    assert {name: value for name, value in variables.items() if "ROUTE" in name} == {
        "LLM_ROUTES": "routes.json",
        "LLM_ROUTE_MODEL_ID": f"other={APPLICATION},triage={APPLICATION}",
        "LLM_ROUTE_PROFILE_MODEL": f"other={HAIKU},triage={HAIKU}",
        "LLM_ROUTE_GUARDRAIL": "triage=def:2",
    }
    assert "LLM_PROFILE_MODEL" not in variables
    assert len(declared.calls) == 1
    for resource in (f"arn:aws:bedrock:eu-central-1::foundation-model/{HAIKU}", APPLICATION):
        assert _role_allows(declared, ACTION, resource)
    for guardrail in ("abc", "def"):
        assert _role_allows(
            declared, "bedrock:ApplyGuardrail", f"arn:aws:bedrock:eu-central-1:123456789012:guardrail/{guardrail}"
        )


def test_a_model_that_no_route_calls_is_not_allowed() -> None:
    declared = _declared(model_id="anthropic.claude-opus-5", routes={"invoice": {"model_id": HAIKU}})
    assert _role_allows(declared, ACTION, f"arn:aws:bedrock:eu-central-1::foundation-model/{HAIKU}")
    assert not _role_allows(declared, ACTION, "arn:aws:bedrock:eu-central-1::foundation-model/anthropic.claude-opus-5")


def test_what_strangers_can_cost_is_that_of_all_routes_together() -> None:
    routes = {
        "invoice": {"throttle": {"rate": 2, "burst": 2}, "max_tokens": 100, "body_limit": 400},
        "triage": {"max_attempts": 2},
    }
    [warning] = _declared(routes=routes, max_tokens=10, throttle={"rate": 1, "burst": 1}).warnings()
    day = 86_400
    assert warning.startswith(
        "authorization is none: anyone who finds the URL can call it. "
        f"The throttles of 2 routes together let {3 * day:,} requests per day pass. "
        f"They can use up to {2 * day * 100 + day * 10 * 2:,} output tokens"
    )
    assert f"{2 * day * 100 + day * 65_536 // 4 * 2:,} input tokens" in warning


def test_a_route_that_is_removed_leaves_no_child_and_another_bundle() -> None:
    both, one = (_declared(routes={name: {} for name in names}) for names in (["a", "b"], ["a"]))
    assert {child.name for child in both.resources} - {child.name for child in one.resources} == {
        f"llm-{child}-b"
        for child in (
            "path", "post", "stream", "options", "preflight", "preflight-response", "preflight-mapping",
            "permission", "throttle", "throttle-options",
        )
    }  # fmt: skip
    code = [declared.one("Function").inputs["code"].path for declared in (both, one)]
    assert code[0] != code[1]
