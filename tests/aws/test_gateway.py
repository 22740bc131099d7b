import base64
import json
from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.aws.gateway import DELIMITER, PRELUDE_LIMIT, Response, parse_event, prelude
from function.stream.errors import BodyNotJson
from function.stream.events import Cut

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
MEMBERS = ("requestContext", "httpMethod", "resource", "headers", "multiValueHeaders", "body", "isBase64Encoded")


def event(**members: object) -> dict[str, object]:
    """Return a proxy event as API Gateway sends it for a POST without a body."""
    return {
        "resource": "/stream",
        "path": "/stream",
        "httpMethod": "POST",
        "headers": None,
        "multiValueHeaders": None,
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"requestId": "gateway-1", "requestTimeEpoch": 1773100000123, "path": "/v1/stream"},
        "body": None,
        "isBase64Encoded": False,
    } | members


def empty() -> Generator[bytes | Cut, None, None]:
    """Yield nothing."""
    yield from ()


def test_a_proxy_event_becomes_a_request() -> None:
    request = parse_event(event(body='{"prompt": "ü"}'))
    assert (request.method, request.resource) == ("POST", "/stream")
    assert request.body == '{"prompt": "ü"}'.encode()
    assert request.received_at == 1773100000.123
    assert request.headers == {}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("c6af9ac6-7b61-11e6-9a41-93e8deadbeef", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("", False),
        ("a b", False),
        ("a\n", False),
        ('"', False),
        ("ü", False),
        (7, False),
        (None, False),
    ],
)
def test_an_id_that_the_client_may_have_chosen_is_a_token_or_is_left_out(given: object, kept: bool) -> None:
    """At most 128 characters (RFC 9110 §5.6.2)."""
    request = parse_event(event(requestContext={"requestId": given}))
    assert request.gateway_request_id == (given if kept else None)


@pytest.mark.parametrize(("given", "kept"), [("JJbxmplHYosFVYQ=", True), ("a/b+c=", True), ("a b", False), ([], False)])
def test_the_gateways_second_id_is_base64_or_is_left_out(given: object, kept: bool) -> None:
    request = parse_event(event(requestContext={"extendedRequestId": given}))
    assert request.extended_request_id == (given if kept else None)


def test_null_members_are_empty_ones() -> None:
    request = parse_event(event())
    assert request.body == b""
    assert request.header("Accept") is None


@pytest.mark.parametrize("other", [None, [], "ping", 3, {}, {"source": "aws.events"}, {"requestContext": None}])
def test_an_event_of_no_gateway_becomes_a_request_for_nothing(other: object) -> None:
    """Warm-up pings and the like are answered, never a traceback."""
    request = parse_event(other)
    assert (request.method, request.resource, request.body) == ("", "", b"")
    assert request.received_at is None


@pytest.mark.parametrize(
    "other", [None, True, "1773100000123", pytest.param(10**400, id="endless"), float("nan"), float("inf"), -1]
)
def test_a_time_that_is_none_does_not_count(other: object) -> None:
    """The client's patience is measured from it."""
    assert parse_event(event(requestContext={"requestTimeEpoch": other})).received_at is None


def test_a_method_without_a_request_context_does_not_count() -> None:
    assert parse_event(event(requestContext=None)).method == ""


def test_header_names_are_found_in_any_case_and_their_values_joined_in_order() -> None:
    request = parse_event(
        event(
            headers={"ACCEPT": "application/json", "origin": "https://a.example"},
            multiValueHeaders={"ACCEPT": ["text/event-stream;q=0.5", "application/json"], "X-Empty": []},
        ),
    )
    assert request.headers["accept"] == ["text/event-stream;q=0.5", "application/json"]
    assert request.header("Accept") == "text/event-stream;q=0.5, application/json"
    assert request.header("Origin") == "https://a.example"


@pytest.mark.parametrize("none", [None, [], "x", [None]])
def test_a_name_without_several_values_keeps_its_single_one(none: object) -> None:
    request = parse_event(event(headers={"accept": "a/b"}, multiValueHeaders={"Accept": none}))
    assert request.header("accept") == "a/b"


def test_a_name_in_two_spellings_is_one_field() -> None:
    request = parse_event(event(multiValueHeaders={"Accept": ["a/b"], "accept": ["c/d"]}))
    assert request.header("accept") == "a/b, c/d"


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"Host": "api.example", "X-Forwarded-Proto": "https"}, "https://api.example"),
        ({"Host": "127.0.0.1:8000", "X-Forwarded-Proto": "http"}, "http://127.0.0.1:8000"),
        ({"Host": "API.example"}, "https://api.example"),
        ({"Host": "api.example", "X-Forwarded-Proto": "http, https"}, "https://api.example"),
    ],
)
def test_the_own_origin_is_what_the_request_was_sent_to(headers: dict[str, str], own: str) -> None:
    assert parse_event(event(headers=headers)).own_origin == own


def test_a_base64_body_is_decoded() -> None:
    encoded = base64.b64encode(b'{"prompt": "\xc3\xbc"}').decode()
    assert parse_event(event(body=encoded, isBase64Encoded=True)).body == b'{"prompt": "\xc3\xbc"}'


@pytest.mark.parametrize("damaged", ["a", "ab$=", "ab\n==", "ü"])
def test_a_damaged_base64_body_is_not_json(damaged: str) -> None:
    request = parse_event(event(body=damaged, isBase64Encoded=True))
    with pytest.raises(BodyNotJson):
        _ = request.body


def test_half_of_a_surrogate_pair_is_not_json() -> None:
    request = parse_event(json.loads('{"requestContext": {}, "body": "\\ud800"}'))
    with pytest.raises(BodyNotJson):
        _ = request.body


@given(st.dictionaries(st.sampled_from(MEMBERS), JSON) | JSON)
def test_no_event_is_a_traceback(anything: object) -> None:
    """Whatever JSON arrives becomes a request; only its body may turn out to be none."""
    request = parse_event(anything)
    assert request.gateway_request_id != ""
    assert all(name == name.lower() and isinstance(values, list) for name, values in request.headers.items())


def test_the_prelude_is_status_and_fields_and_eight_nul_bytes() -> None:
    response = Response(200, {"Content-Type": "text/plain", "X-Content-Type-Options": "nosniff"}, empty())
    assert prelude(response) == (
        b'{"statusCode":200,"headers":{"Content-Type":"text/plain","X-Content-Type-Options":"nosniff"}}\0\0\0\0\0\0\0\0'
    )


def test_the_fields_that_frame_a_message_are_the_gateways_to_write() -> None:
    response = Response(200, {"content-length": "3", "Transfer-Encoding": "chunked", "X-A": "b"}, empty())
    assert json.loads(prelude(response)[:-8])["headers"] == {"X-A": "b"}


@given(st.integers(200, 599), st.dictionaries(st.text(), st.text()))
def test_a_prelude_holds_no_nul_but_the_delimiter(status: int, fields: dict[str, str]) -> None:
    document, delimiter, rest = prelude(Response(status, fields, empty())).partition(DELIMITER)
    assert (delimiter, rest) == (bytes(8), b"")
    assert b"\0" not in document
    assert json.loads(document)["statusCode"] == status


def test_a_prelude_that_the_platform_would_not_find_is_refused() -> None:
    def answer(size: int) -> Response:
        return Response(200, {"X-Long": "x" * size}, empty())

    room = PRELUDE_LIMIT - len(prelude(answer(0)))
    assert len(prelude(answer(room))) == PRELUDE_LIMIT
    with pytest.raises(ValueError, match="at most 16000 bytes; got 16001 bytes"):
        prelude(answer(room + 1))


TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


@pytest.mark.parametrize(
    "value", [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-01-what-comes"]
)
def test_the_traceparent_is_the_clients(value: str) -> None:
    assert parse_event({"multiValueHeaders": {"Traceparent": [value]}}).traceparent == value


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01"],
        [f"00-{TRACE}-{SPAN}-01-more"],
        [f"00-{TRACE}-{SPAN}-01\n"],
        [f"00-{TRACE.upper()}-{SPAN}-01"],
        [f"00-{TRACE[1:]}-{SPAN}-01"],
        [f"00-{32 * '0'}-{SPAN}-01"],
        [f"00-{TRACE}-{16 * '0'}-01"],
        [f"ff-{TRACE}-{SPAN}-01"],
        [f"cc-{TRACE}-{SPAN}-01-{1000 * 'x'}"],
        [f"cc-{TRACE}-{SPAN}-01.more"],
    ],
)
def test_what_is_no_traceparent_is_ignored(values: list[str]) -> None:
    """The cases of W3C Trace Context §3.2.2: versions, lengths, zeros, upper case, and a field that comes twice."""
    assert parse_event({"multiValueHeaders": {"traceparent": values}}).traceparent is None
