import json
import threading
from pathlib import Path

import pytest

from local.client import Reply
from tests.local.gateway.serving import ask, connected, serving

OPTIONS = "OPTIONS"


def allowing(*origins: str) -> dict[str, str]:
    return {"LLM_ALLOWED_ORIGINS": ",".join(origins)}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/stream"), ("PUT", "/v1/stream"), ("POST", "/stream"), ("POST", "/v1/stream/"), ("BREW", "/")],
)
def test_a_wrong_path_or_method_is_refused_as_an_unsigned_request_is(tmp_path: Path, method: str, path: str) -> None:
    """403 in the gateway's own words; the function is not invoked."""
    with serving(tmp_path, "answer(id)") as gateway:
        with Reply(gateway.url.removesuffix("/v1/stream") + path, b"", None, method) as reply:
            problem = reply.wait().json()

        assert not gateway.function.invocations
    assert reply.status == 403
    assert reply.headers["content-type"] == "application/problem+json"
    assert problem == {
        "type": "urn:streaming-llm:problem:MISSING_AUTHENTICATION_TOKEN",
        "title": "The gateway did not pass the request on.",
        "code": "MISSING_AUTHENTICATION_TOKEN",
        "detail": "Missing Authentication Token",
        "requestId": reply.headers["x-amzn-requestid"],
    }


@pytest.mark.parametrize("size", [10 * 1024 * 1024 + 1, 6 * 1024 * 1024 + 1])
def test_a_body_that_is_too_large_is_refused_in_fixed_words(tmp_path: Path, size: int) -> None:
    """Neither a problem document nor fields for browsers."""
    with serving(tmp_path, "answer(id)", environment=allowing("https://a.example")) as gateway:
        reply = ask(gateway, b"x" * size)

    assert (reply.status, json.loads(reply.received)) == (413, {"message": "Request Too Long"})
    assert "access-control-allow-origin" not in reply.headers


def test_a_connection_serves_one_request_after_the_other(tmp_path: Path) -> None:
    """Also after a refused one and after a preflight."""
    with serving(tmp_path, "answer(id, event['body'].encode())") as gateway, connected(gateway) as connection:
        stream = connection.makefile("rb")
        for line in (b"GET / HTTP/1.1", b"OPTIONS /v1/stream HTTP/1.1", b"POST /v1/stream HTTP/1.1"):
            connection.sendall(line + b"\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
            assert stream.readline() in {
                b"HTTP/1.1 403 Forbidden\r\n",
                b"HTTP/1.1 204 No Content\r\n",
                b"HTTP/1.1 200 OK\r\n",
            }
            length = 0
            while (field := stream.readline()) != b"\r\n":
                if field.lower().startswith(b"content-length"):
                    length = int(field.split(b":")[1])
            stream.read(length)
        assert stream.read(12) == b"2\r\nhi\r\n0\r\n\r\n"
        stream.close()


def test_a_client_of_the_old_protocol_gets_a_body_that_ends_with_the_connection(tmp_path: Path) -> None:
    """HTTP/1.0 has no chunks."""
    with serving(tmp_path, "answer(id, b'a', b'b')") as gateway, connected(gateway) as connection:
        connection.sendall(b"POST /v1/stream HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
        with connection.makefile("rb") as stream:
            answer = stream.read()

    assert answer.endswith(b"\r\n\r\nab")
    assert b"Transfer-Encoding" not in answer


def test_a_request_body_may_be_chunked(tmp_path: Path) -> None:
    """The function receives it complete."""
    with serving(tmp_path, "answer(id, event['body'].encode())") as gateway, connected(gateway) as connection:
        connection.sendall(
            b"POST /v1/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        )
        with connection.makefile("rb") as stream:
            assert stream.read().endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")


ONE, TWO = ("https://a.example",), ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("allowed", "origin", "expected"),
    [
        ((), "https://a.example", None),
        (ONE, "https://a.example", "https://a.example"),
        (ONE, "https://evil.example", "https://a.example"),
        (("*",), "https://a.example", "*"),
        (TWO, "https://b.example", "https://b.example"),
        (TWO, "https://evil.example", None),
        (TWO, "https://b.example.evil", None),
        (TWO, None, None),
    ],
)
def test_a_preflight_is_answered_by_the_gateway(
    tmp_path: Path, allowed: tuple[str, ...], origin: str | None, expected: str | None
) -> None:
    """One origin is a literal; of several exactly the caller's; none without any. The function is not invoked."""
    with serving(tmp_path, "answer(id)", environment=allowing(*allowed)) as gateway:
        reply = ask(gateway, b"", {"Origin": origin} if origin else None, OPTIONS)

        assert not gateway.function.invocations
    assert reply.status == 204
    assert reply.headers.get("access-control-allow-origin") == expected
    assert reply.headers.get("access-control-allow-methods") == ("POST" if allowed else None)
    assert reply.headers.get("vary") == ("Origin" if len(allowed) > 1 else None)


@pytest.mark.parametrize(("allowed", "expected"), [((), None), (ONE, "https://a.example"), (TWO, "*")])
def test_the_gateways_own_errors_may_be_read_by_browsers(
    tmp_path: Path, allowed: tuple[str, ...], expected: str | None
) -> None:
    """They cannot know the caller's origin, and carry no content."""
    with serving(tmp_path, "answer(id)", environment=allowing(*allowed)) as gateway:
        reply = ask(gateway, b"", {"Origin": "https://b.example"}, "GET")

    assert reply.headers.get("access-control-allow-origin") == expected


def test_many_requests_at_once_are_kept_apart(tmp_path: Path) -> None:
    """Each client gets the answer to its own request."""
    answers: dict[int, bytes] = {}
    with serving(tmp_path, "answer(id, event['body'].encode())", concurrency=8) as gateway:

        def client(number: int) -> None:
            answers[number] = ask(gateway, b"%d" % number).received

        threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert answers == {number: b"%d" % number for number in range(8)}
