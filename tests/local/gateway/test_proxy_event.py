import base64
from typing import Any

import pytest

from local.gateway.proxy_event import Request, proxy_event, request_id


def a_request(**changes: object) -> Request:
    fields: dict[str, Any] = {
        "method": "POST",
        "path": "/v1/stream",
        "query": "",
        "fields": [("Host", "h"), ("User-Agent", "curl/8"), ("Content-Type", "application/json")],
        "body": b'{"prompt":"x"}',
        "source_ip": "192.0.2.7",
        "port": 8000,
        "id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "trace_id": "Root=1-5e66d96f-7491f0900000000000000000",
        "extended_id": "JJbxmplHYosFVYQ=",
        "at": 1773100000.25,
    }
    return Request(**{**fields, **changes})


def test_the_event_is_the_one_of_the_platform_to_the_last_member() -> None:
    """Stage in the context's path only, null where there is nothing, the client's names of header fields."""
    assert proxy_event(a_request()) == {
        "resource": "/stream",
        "path": "/stream",
        "httpMethod": "POST",
        "headers": {
            "Host": "h",
            "User-Agent": "curl/8",
            "Content-Type": "application/json",
            "X-Amzn-Trace-Id": "Root=1-5e66d96f-7491f0900000000000000000",
            "X-Forwarded-For": "192.0.2.7",
            "X-Forwarded-Port": "8000",
            "X-Forwarded-Proto": "http",
        },
        "multiValueHeaders": {
            "Host": ["h"],
            "User-Agent": ["curl/8"],
            "Content-Type": ["application/json"],
            "X-Amzn-Trace-Id": ["Root=1-5e66d96f-7491f0900000000000000000"],
            "X-Forwarded-For": ["192.0.2.7"],
            "X-Forwarded-Port": ["8000"],
            "X-Forwarded-Proto": ["http"],
        },
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourceId": "twin01",
            "resourcePath": "/stream",
            "httpMethod": "POST",
            "extendedRequestId": "JJbxmplHYosFVYQ=",
            "requestTime": "09/Mar/2026:23:46:40 +0000",
            "path": "/v1/stream",
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": "v1",
            "domainPrefix": "twin000000",
            "requestTimeEpoch": 1773100000250,
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "domainName": "twin000000.execute-api.eu-west-1.amazonaws.com",
            "deploymentId": "twin02",
            "apiId": "twin000000",
            "identity": {
                "cognitoIdentityPoolId": None,
                "accountId": None,
                "cognitoIdentityId": None,
                "caller": None,
                "principalOrgId": None,
                "accessKey": None,
                "cognitoAuthenticationType": None,
                "cognitoAuthenticationProvider": None,
                "userArn": None,
                "user": None,
                "sourceIp": "192.0.2.7",
                "userAgent": "curl/8",
            },
        },
        "body": '{"prompt":"x"}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("chosen", ["c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "mine", 128 * "x"])
def test_a_client_can_choose_the_id_of_its_request(chosen: str) -> None:
    assert request_id(chosen) == chosen


@pytest.mark.parametrize("chosen", [None, "", 129 * "x", "a b", 'a"b', "ü"])
def test_what_is_no_id_is_replaced(chosen: str | None) -> None:
    made = [request_id(chosen), request_id(chosen)]

    assert made[0] != made[1]
    assert chosen not in made


def test_a_repeated_field_has_its_last_value_and_all_of_them() -> None:
    """Whatever case each was written in; the query likewise, where case counts."""
    fields = [("Accept", "a"), ("accept", "b")]

    event = proxy_event(a_request(fields=fields, query="q=1&q=2&Q=3&empty="))

    assert (event["headers"]["Accept"], event["multiValueHeaders"]["Accept"]) == ("b", ["a", "b"])
    assert event["queryStringParameters"] == {"q": "2", "Q": "3", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "2"], "Q": ["3"], "empty": [""]}


@pytest.mark.parametrize(
    ("body", "binary", "expected"),
    [
        (b"", (), (None, False)),
        ("é".encode(), (), ("é", False)),
        (b"\xff", (), ("�", False)),
        (b"\xff", ("application/json",), (base64.b64encode(b"\xff").decode(), True)),
        (b"\xff", ("*/*",), (base64.b64encode(b"\xff").decode(), True)),
        (b"x", ("image/png",), ("x", False)),
        (b"", ("*/*",), (None, False)),
    ],
)
def test_a_body_is_text_unless_its_type_is_a_binary_one(
    body: bytes, binary: tuple[str, ...], expected: tuple[str | None, bool]
) -> None:
    """Bytes that are no UTF-8 arrive damaged as text; an empty body is null."""
    event = proxy_event(a_request(body=body), binary)

    assert (event["body"], event["isBase64Encoded"]) == expected
