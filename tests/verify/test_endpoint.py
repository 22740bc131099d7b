import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.http11.server import Exchange, Server
from tests.verify.spoilt import KEY, SECRET, signature
from verify.endpoint import Endpoint, Request, Unreachable
from verify.signing import NoCredentials, nobody, with_api_key, with_sigv4

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
    assert said[:2] == [
        "the endpoint asks for patience (429 THROTTLED): waiting 1 s",
        "the endpoint asks for patience (429): waiting 2 s",
    ]


def test_patience_with_the_gateway_has_an_end() -> None:
    slept: list[float] = []
    with serving(in_turn(*["THROTTLED"] * 7)) as url:
        assert Endpoint(url, sleep=slept.append).ask(ASK).status == 429

    assert sum(slept) == 61


def refusing(status: int, code: str, **fields: str) -> Callable[[Exchange], None]:
    """Refuse once, then answer."""
    told = [*PROBLEM, *((name.replace("_", "-"), value) for name, value in fields.items())]
    waiting = [(status, told, json.dumps({"code": code}).encode())]

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        exchange.send(*(waiting.pop() if waiting else (200, [], b"{}")))

    return respond


NOON, LATER = "Wed, 25 Nov 2026 12:00:00 GMT", "Wed, 25 Nov 2026 12:00:07 GMT"


@pytest.mark.parametrize(
    ("respond", "seconds"),
    [
        (refusing(429, "model_busy", Retry_After="5"), 5),
        (refusing(503, "model_unavailable", Retry_After="60"), 60),
        (refusing(429, "THROTTLED", Retry_After="0"), 1),
        (refusing(429, "", Retry_After=LATER, Date=NOON), 7),
        (refusing(429, "", Retry_After=NOON, Date=LATER), 1),
        (refusing(429, "", Retry_After="soon"), 1),
        (refusing(429, "", Retry_After=LATER), 1),
    ],
)
def test_retry_after_is_honoured(respond: Callable[[Exchange], None], seconds: float) -> None:
    """In seconds and as a date, which is told from the answer's own; what cannot be read counts as not said."""
    slept: list[float] = []
    with serving(respond) as url:
        assert Endpoint(url, sleep=slept.append).ask(ASK).status == 200

    assert slept == [seconds]


@pytest.mark.parametrize(
    "respond",
    [
        refusing(429, "QUOTA_EXCEEDED"),
        refusing(429, "model_busy", Retry_After="61"),
        refusing(503, "model_unavailable", Retry_After="3600"),
        refusing(503, "INTEGRATION_FAILURE"),
        refusing(502, "model_failed", Retry_After="1"),
    ],
)
def test_what_a_minute_does_not_help_is_the_answer(respond: Callable[[Exchange], None]) -> None:
    with serving(respond) as url:
        assert Endpoint(url, sleep=lambda _: pytest.fail("it waits")).ask(ASK).status != 200


def test_each_piece_has_the_time_at_which_it_came() -> None:
    times = iter([10.0, 10.5, 12.0])

    def respond(exchange: Exchange) -> None:
        exchange.start(200, [("X-Twice", "a"), ("x-twice", "b")])
        exchange.chunk(b"one")
        exchange.chunk(b"two")
        exchange.end()

    with serving(respond) as url:
        endpoint = Endpoint(url, clock=lambda: next(times))
        answer = endpoint.ask(Request(method="GET"))

    assert endpoint.received == len("onetwo")
    assert [(piece.came, piece.data) for piece in answer.pieces] == [(500, b"one"), (2000, b"two")]
    assert answer.whole
    assert answer.headers["x-twice"] == "a, b"


def test_what_has_come_is_counted_anew_for_each_answer() -> None:
    def respond(exchange: Exchange) -> None:
        exchange.send(200, [], b"four")

    with serving(respond) as url:
        endpoint = Endpoint(url)
        for _ in range(2):
            endpoint.ask(Request(method="GET"))

    assert endpoint.received == len("four")


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
    with pytest.raises(Unreachable, match=f"nobody listens at 127.0.0.1:{port}"):
        Endpoint(f"http://127.0.0.1:{port}/v1/stream").ask(ASK)


def test_a_model_that_thinks_is_waited_for_longer_than_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def think(exchange: Exchange) -> None:
        exchange.read_body(1000)
        exchange.wait(None, 0.5)
        exchange.send(200, [], b"{}")

    monkeypatch.setattr("verify.endpoint.CONNECT_PATIENCE", 0.2)
    with serving(think) as url:
        assert Endpoint(url).ask(ASK).whole


def test_a_stream_that_falls_silent_is_not_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came of it is kept."""

    def fall_silent(exchange: Exchange) -> None:
        exchange.start(200, [])
        exchange.chunk(b"half")
        with pytest.raises(ConnectionError):
            exchange.wait(None, 30)
        exchange.cut()

    monkeypatch.setattr("verify.endpoint.PATIENCE", 1.0)
    with serving(fall_silent) as url:
        answer = Endpoint(url).ask(Request(method="GET"))

    assert (answer.body, answer.whole) == (b"half", False)


@pytest.mark.parametrize("host", ["a..b", ".x", "x" * 64 + ".invalid"])
def test_a_host_name_that_cannot_be_one_is_told(host: str) -> None:
    with pytest.raises(Unreachable, match=f"no host of the name in {host} can exist"):
        Endpoint(f"https://{host}/v1/stream").ask(ASK)


def test_a_host_that_does_not_exist_is_told() -> None:
    with pytest.raises(Unreachable, match=r"no host of the name in nowhere\.invalid"):
        Endpoint("https://nowhere.invalid/v1/stream").ask(ASK)


def hang_up(exchange: Exchange) -> None:
    exchange.cut()


def other_protocol(exchange: Exchange) -> None:
    exchange.connection.sendall(b"SSH-2.0-x\r\n")
    exchange.cut()


@pytest.mark.parametrize(
    ("respond", "words"), [(hang_up, "without an answer"), (other_protocol, "no answer of HTTP's")]
)
def test_what_is_no_answer_is_told(respond: Callable[[Exchange], None], words: str) -> None:
    with serving(respond) as url, pytest.raises(Unreachable, match=f"{words}. Is it https:// in place of http://"):
        Endpoint(url).ask(ASK)


def test_a_server_without_tls_is_told() -> None:
    """The server's own complaint about the handshake is no mistake of its."""
    with Server(hang_up) as server, pytest.raises(Unreachable, match=r"does not speak TLS\. Is it http://"):
        Endpoint(f"https://127.0.0.1:{server.port}/v1/stream").ask(ASK)


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_certificate_that_nobody_trusts_is_told(certificate: ssl.SSLContext) -> None:
    """A request never goes to whoever cannot prove a name."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake_hands() -> None:
            with suppress(OSError), certificate.wrap_socket(listener.accept()[0], server_side=True):
                pytest.fail("the certificate is trusted")

        thread = threading.Thread(target=shake_hands)
        thread.start()
        with pytest.raises(Unreachable, match="is not trusted here: self-signed certificate"):
            Endpoint(f"https://127.0.0.1:{listener.getsockname()[1]}/v1/stream").ask(ASK)
        thread.join()


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
