"""A browser hears the same from everyone: the stack's preflight and errors, the function, and the twin's gateway."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

import pytest

from components import StreamingLlmApi, StreamingLlmApiArgs
from components.parsing import checked
from components.resources import preflight as cors
from components.resources.function import variables
from local.bedrock.script import Fragment, Stop
from local.client import Reply
from tests.components.options_table import JUDGE, POOL
from tests.components.preflight import answer_to_preflight
from tests.components.recording import Declared, declare
from tests.wire.chain import Chain, Script

A, B = "https://a.example", "https://b.example:8443"
LISTS: Final = {"none": [], "any": ["*"], "one": [A], "several": [A, B]}
CALLERS: Final = [A, B, "https://c.example", f"{A}.evil.example", A.upper(), "null", "", None]
"""Pages of listed origins, of others, of one that only begins like a listed one, of none."""

GOOD: Final[Script] = [Fragment(json.dumps({"summary": "…", "keywords": []})), Stop("end_turn")]

ALWAYS: Final = "Content-Type, Accept, Last-Event-ID, traceparent, Cache-Control"
"""What a page can send whatever the authorization."""

Fields = Mapping[str, str]
ORIGIN, VARY, EXPOSED = "access-control-allow-origin", "vary", "access-control-expose-headers"


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    made = Chain()
    yield made
    made.close()


@pytest.fixture(scope="module", params=LISTS)
def origins(request: pytest.FixtureRequest, chain: Chain) -> Sequence[str]:
    """The origins of a stack; the twin runs the function with that stack's own variable."""
    listed = LISTS[request.param]
    environment = variables(checked({"allowed_origins": listed}), "log", "none")
    chain.deploy(allowed_origins=str(environment["LLM_ALLOWED_ORIGINS"]))
    return listed


@pytest.fixture(scope="module")
def stack(origins: Sequence[str]) -> Declared:
    """The resources of a stack with these origins."""
    return declare(lambda: StreamingLlmApi("llm", {"allowed_origins": list(origins)}))


def _lower(fields: Fields) -> dict[str, str]:
    return {name.lower(): value for name, value in fields.items()}


def _sent(origin: str | None) -> dict[str, str]:
    return {} if origin is None else {"Origin": origin}


def _of_twin(chain: Chain, method: str, origin: str | None) -> Fields:
    with Reply(chain.twin.url, b"", _sent(origin), method) as reply:
        reply.body()
    return reply.headers


def _of_function(chain: Chain, origin: str | None) -> Iterator[Fields]:
    """An answer that streams, and one that is refused before the model is called."""
    yield chain.ask(GOOD, headers=_sent(origin)).headers
    yield chain.ask(body=b"{", headers=_sent(origin)).headers


def _allowed(origins: Sequence[str], origin: str | None) -> str | None:
    """The rule: one is a literal for everybody, of several exactly the caller's."""
    if len(origins) == 1:
        return origins[0]
    return origin if origin in origins else None


@pytest.mark.parametrize("origin", CALLERS)
def test_preflight_and_function_let_the_same_origins_in(
    chain: Chain,
    origins: Sequence[str],
    stack: Declared,
    origin: str | None,
) -> None:
    answers = [
        _lower(answer_to_preflight(stack, _sent(origin))),
        _of_twin(chain, "OPTIONS", origin),
        *_of_function(chain, origin),
    ]
    assert [answer.get(ORIGIN) for answer in answers] == [_allowed(origins, origin)] * len(answers)
    assert [answer.get(VARY) for answer in answers] == ["Origin" if len(origins) > 1 else None] * len(answers)


def test_what_a_preflight_may_answer_is_declared_whatever_the_origins(stack: Declared) -> None:
    """AWS takes a mapping only to a declared header: one that comes or goes with the origins would be a race."""
    possible = {
        f"method.response.header.{name}"
        for resource in LISTS.values()
        for name in cors.preflight_headers(resource, ["X"])
    }
    assert set(stack.one("MethodResponse").inputs["responseParameters"]) == possible


@pytest.mark.parametrize("origin", [A, "https://c.example"])
def test_the_twins_preflight_is_the_stacks(chain: Chain, stack: Declared, origin: str) -> None:
    asked = _of_twin(chain, "OPTIONS", origin)
    browsers = {name: value for name, value in asked.items() if name.startswith("access-control-") or name == VARY}
    assert browsers == _lower(answer_to_preflight(stack, _sent(origin)))


def test_errors_of_the_gateway_and_answers_show_a_page_the_same_headers(
    chain: Chain,
    origins: Sequence[str],
    stack: Declared,
) -> None:
    """The gateway's own errors cannot know the caller's origin and carry no content: of several they say any."""
    prefix = "gatewayresponse.header."
    recorded = [
        {
            name.removeprefix(prefix).lower(): text.strip("'")
            for name, text in resource.inputs["responseParameters"].items()
        }
        for resource in stack.of("Response")
    ]
    errors = [*recorded, _of_twin(chain, "GET", A)]
    allowed = _allowed(origins, A) if len(origins) < 2 else "*"
    assert [error.get(ORIGIN) for error in errors] == [allowed] * len(errors)
    exposed = {fields.get(EXPOSED) for fields in (*errors, *_of_function(chain, A))}
    assert exposed == {"X-Request-Id, x-amzn-RequestId, Retry-After" if origins else None}


def _declared(**args: Any) -> Declared:
    given_args = cast("StreamingLlmApiArgs", args)
    return declare(lambda: StreamingLlmApi("llm", given_args))


def test_without_origins_the_preflight_is_there_and_allows_nothing() -> None:
    """OPTIONS and both gateway responses always exist: a removed method would stay in the deployment that has it."""
    declared = _declared()
    assert answer_to_preflight(declared, {"Origin": A}) == {}
    assert json.loads(declared.one("Integration", "preflight").inputs["requestTemplates"]["application/json"]) == {
        "statusCode": 204,
    }
    assert {resource.inputs["responseType"] for resource in declared.of("Response")} == {"DEFAULT_4XX", "DEFAULT_5XX"}


def test_one_origin_is_a_literal_everywhere() -> None:
    declared = _declared(allowed_origins=[A])
    for headers in ({"Origin": A}, {"Origin": B}, {}):
        assert answer_to_preflight(declared, headers)["Access-Control-Allow-Origin"] == A
    for response in declared.of("Response"):
        field = "gatewayresponse.header.Access-Control-Allow-Origin"
        assert response.inputs["responseParameters"][field] == f"'{A}'"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Origin": A}, A),
        ({"origin": B}, B),
        ({"Origin": "https://evil.example"}, None),
        ({"Origin": f"{A}.evil.example"}, None),
        ({"Origin": "null"}, None),
        ({}, None),
    ],
)
def test_of_several_origins_the_preflight_answers_exactly_the_callers(
    headers: Mapping[str, str],
    allowed: str | None,
) -> None:
    answer = answer_to_preflight(_declared(allowed_origins=[A, B]), headers)
    assert answer.get("Access-Control-Allow-Origin") == allowed
    assert answer["Vary"] == "Origin"


def test_with_several_origins_the_gateways_own_errors_say_any() -> None:
    """They cannot know the caller's, and carry no content."""
    for response in _declared(allowed_origins=[A, B]).of("Response"):
        field = "gatewayresponse.header.Access-Control-Allow-Origin"
        assert response.inputs["responseParameters"][field] == "'*'"


@pytest.mark.parametrize(
    ("args", "headers"),
    [
        ({}, ALWAYS),
        (
            {"authorization": "iam"},
            f"{ALWAYS}, Authorization, X-Amz-Date, X-Amz-Security-Token, X-Amz-Content-Sha256",
        ),
        ({"authorization": "apiKey"}, f"{ALWAYS}, X-Api-Key"),
        ({"authorization": "cognito", "authorizer": {"user_pools": [POOL]}}, f"{ALWAYS}, Authorization"),
        (
            {"authorization": "lambda", "authorizer": {"function_arn": JUDGE, "header": "X-Token"}},
            f"{ALWAYS}, X-Token",
        ),
    ],
)
def test_allowed_headers_follow_the_authorization(args: Mapping[str, Any], headers: str) -> None:
    declared = _declared(allowed_origins=[A], **args)
    assert answer_to_preflight(declared, {})["Access-Control-Allow-Headers"] == headers


def test_the_gateways_own_errors_are_problems_with_the_request_id() -> None:
    for response in _declared().of("Response"):
        template = response.inputs["responseTemplates"]["application/json"]
        filled = (
            template.replace("$context.error.responseType", "THROTTLED")
            .replace("$context.error.messageString", '"Too Many \\"Requests\\""')
            .replace("$context.requestId", "r-1")
        )
        assert "$" not in filled
        assert json.loads(filled) == {
            "type": "urn:streaming-llm:problem:THROTTLED",
            "title": "The gateway did not pass the request on.",
            "code": "THROTTLED",
            "detail": 'Too Many "Requests"',
            "requestId": "r-1",
        }
        content_type = response.inputs["responseParameters"]["gatewayresponse.header.Content-Type"]
        assert content_type == "'application/problem+json'"
