import hashlib
import hmac
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from local.http11 import Exchange, Server
from verify.client import Endpoint, NoCredentials, Request, Unreachable, nobody, with_api_key, with_sigv4

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI"
PROBLEM = [("Content-Type", "application/problem+json")]
ASK = Request(b"{}", {"Content-Type": "application/json"})


@contextmanager
def serving(respond: Callable[[Exchange], None]) -> Iterator[str]:
    with Server(respond) as server:
        yield server.url + "/v1/stream"
        assert not server.mistakes


def in_turn(*codes: str | None) -> Callable[[Exchange], None]:
    """Refuse with 429 and each of these codes in turn; None is an answer."""
    waiting = list(codes)

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        code = waiting.pop(0)
        exchange.send(429 if code is not None else 200, PROBLEM, json.dumps({"code": code} if code else {}).encode())

    return respond


def test_a_429_of_the_gateway_waits_longer_each_time_and_repeats() -> None:
    """With the gateway's own code, or with none."""
    said: list[str] = []
    slept: list[float] = []
    with serving(in_turn("THROTTLED", "", "THROTTLED", None)) as url:
        assert Endpoint(url, say=said.append, sleep=slept.append).ask(ASK).status == 200

    assert slept == [1, 2, 4]
    assert said[0] == "The gateway throttles (429): waiting 1 s"


def test_patience_with_the_gateway_has_an_end() -> None:
    slept: list[float] = []
    with serving(in_turn(*["THROTTLED"] * 7)) as url:
        assert Endpoint(url, sleep=slept.append).ask(ASK).status == 429

    assert sum(slept) == 61


@pytest.mark.parametrize("code", ["model_busy", "QUOTA_EXCEEDED"])
def test_a_429_that_waiting_does_not_help_is_the_answer(code: str) -> None:
    with serving(in_turn(code)) as url:
        assert Endpoint(url, sleep=lambda _: pytest.fail("it waits")).ask(ASK).code == code


def test_each_piece_has_the_time_at_which_it_came() -> None:
    times = iter([10.0, 10.5, 12.0])

    def respond(exchange: Exchange) -> None:
        exchange.start(200, [("X-Twice", "a"), ("x-twice", "b")])
        exchange.chunk(b"one")
        exchange.chunk(b"two")
        exchange.end()

    with serving(respond) as url:
        answer = Endpoint(url, clock=lambda: next(times)).ask(Request(method="GET"))

    assert [(piece.came, piece.data) for piece in answer.pieces] == [(500, b"one"), (2000, b"two")]
    assert answer.whole
    assert answer.headers["x-twice"] == "a, b"


def chunked_cut(exchange: Exchange) -> None:
    exchange.start(200, [])
    exchange.chunk(b"half")
    exchange.cut()


def length_cut(exchange: Exchange) -> None:
    exchange.start(200, [], length=8)
    exchange.connection.sendall(b"half")
    exchange.cut()


@pytest.mark.parametrize("respond", [chunked_cut, length_cut])
def test_a_body_without_its_end_is_not_whole(respond: Callable[[Exchange], None]) -> None:
    with serving(respond) as url:
        answer = Endpoint(url).ask(Request(method="GET"))

    assert (answer.body, answer.whole) == (b"half", False)


def test_leaving_closes_the_connection_after_the_pieces_that_were_asked_for() -> None:
    left = []

    def respond(exchange: Exchange) -> None:
        exchange.start(200, [])
        exchange.chunk(b"one")
        with pytest.raises(ConnectionError):
            exchange.wait(None, 30)
        left.append(True)
        exchange.cut()

    with serving(respond) as url:
        answer = Endpoint(url).ask(Request(method="GET"), leave_after=1)

    assert (answer.body, answer.whole, left) == (b"one", False, [True])


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(Unreachable, match="ConnectionRefused"):
        Endpoint(f"http://127.0.0.1:{port}/v1/stream").ask(ASK)


def test_an_api_key_is_shown_where_the_request_is_to_be_signed() -> None:
    seen = []

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        seen.append(exchange.headers.get("x-api-key"))
        exchange.send(200, [], b"{}")

    with serving(respond) as url:
        endpoint = Endpoint(url, with_api_key("k"))
        endpoint.ask(ASK)
        endpoint.ask(Request(signed=False))

    assert seen == ["k", None]
    assert endpoint.is_protected
    assert not Endpoint(url, nobody).is_protected


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")


def signature(exchange: Exchange, body: bytes, region: str) -> tuple[str, str]:
    """Credential and signature that it should have ("Create a signed AWS API request", IAM User Guide)."""
    names = exchange.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    fields = "".join(f"{name}:{exchange.headers[name].strip()}\n" for name in names)
    digest = hashlib.sha256(body).hexdigest()
    canonical = "\n".join([exchange.command, exchange.path, "", fields, ";".join(names), digest])
    moment = exchange.headers["X-Amz-Date"]
    scope = f"{moment[:8]}/{region}/execute-api/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"{KEY}/{scope}", hmac.digest(key, text.encode(), "sha256").hex()


@pytest.mark.usefixtures("credentials")
def test_a_signed_request_has_the_signature_that_the_gateway_computes() -> None:
    """Body, path and every header field that is sent are what was signed."""
    seen = []

    def respond(exchange: Exchange) -> None:
        body = exchange.read_body(1000)
        credential, expected = signature(exchange, body, "eu-west-3")
        seen.append(f"Credential={credential}," in exchange.headers["Authorization"])
        seen.append(exchange.headers["Authorization"].endswith(f"Signature={expected}"))
        exchange.send(200, [], b"{}")

    with serving(respond) as url:
        endpoint = Endpoint(url, with_sigv4(url))
        endpoint.ask(Request(b'{"a": 1}', {"Content-Type": "application/json", "Accept": "application/jsonl"}))
        endpoint.ask(Request(b"[]", path="/nowhere"))

    assert seen == [True] * 4


@pytest.mark.usefixtures("credentials")
def test_the_region_is_the_one_of_the_host_name() -> None:
    sign = with_sigv4("https://abc.execute-api.ap-southeast-2.amazonaws.com/v1/stream")

    assert "/ap-southeast-2/execute-api/" in sign("POST", "https://h/v1/stream", {}, b"")["Authorization"]


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    ("missing", "words"), [("AWS_ACCESS_KEY_ID", "needs AWS credentials"), ("AWS_DEFAULT_REGION", "needs a region")]
)
def test_what_is_missing_for_a_signature_is_told(missing: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv(missing)
    with pytest.raises(NoCredentials, match=words):
        with_sigv4("https://llm.example.com/v1/stream")
