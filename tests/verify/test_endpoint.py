import json
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.client import Transport
from local.http11.server import Exchange, Server
from tests.unserved import unserved_port
from tests.verify.shared import serving
from verify.endpoint import RemoteEndpoint, Request, Unreachable
from verify.signing import with_api_key

PROBLEM = [("Content-Type", "application/problem+json")]
ASK = Request(b"{}", {"Content-Type": "application/json"})


def in_turn(*codes: str | None) -> Callable[[Exchange], None]:
    """Refuse with 429 and each of these codes in turn; None is an answer."""
    waiting = list(codes)

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        code = waiting.pop(0)
        exchange.send(429 if code is not None else 200, PROBLEM, json.dumps({"code": code} if code else {}).encode())

    return respond


def test_after_a_429_of_the_gateway_the_request_is_repeated_with_longer_waits() -> None:
    """With the gateway's own code, or with none."""
    notes: list[str] = []
    slept: list[float] = []
    with serving(in_turn("THROTTLED", "", "THROTTLED", None)) as url:
        assert RemoteEndpoint(url, notify=notes.append, sleep=slept.append).send(ASK).status == 200

    assert slept == [1, 2, 4]
    assert notes[:2] == [
        "The endpoint responded with 429 THROTTLED; retrying in 1 s",
        "The endpoint responded with 429; retrying in 2 s",
    ]


def test_the_number_of_attempts_is_limited() -> None:
    slept: list[float] = []
    with serving(in_turn(*["THROTTLED"] * 7)) as url:
        assert RemoteEndpoint(url, sleep=slept.append).send(ASK).status == 429

    assert sum(slept) == 61


def refusing(status: int, code: str, **fields: str) -> Callable[[Exchange], None]:
    """Refuse once, then answer."""
    headers = [*PROBLEM, *((name.replace("_", "-"), value) for name, value in fields.items())]
    waiting = [(status, headers, json.dumps({"code": code}).encode())]

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
    """In seconds, or as a date relative to the response's own. A value that cannot be read is ignored."""
    slept: list[float] = []
    with serving(respond) as url:
        assert RemoteEndpoint(url, sleep=slept.append).send(ASK).status == 200

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
def test_a_refusal_that_will_last_is_not_repeated(respond: Callable[[Exchange], None]) -> None:
    with serving(respond) as url:
        assert RemoteEndpoint(url, sleep=lambda _: pytest.fail("the request is repeated")).send(ASK).status != 200


def test_each_piece_has_the_time_at_which_it_arrived() -> None:
    times = iter([10.0, 10.5, 12.0])

    def respond(exchange: Exchange) -> None:
        exchange.start(200, [("X-Twice", "a"), ("x-twice", "b")])
        exchange.chunk(b"one")
        exchange.chunk(b"two")
        exchange.end()

    with serving(respond) as url:
        endpoint = RemoteEndpoint(url, transport=Transport(clock=lambda: next(times)))
        response = endpoint.send(Request(method="GET"))

    assert endpoint.describe_received() == "6 bytes so far"
    assert [(piece.received_ms, piece.data) for piece in response.pieces] == [(500, b"one"), (2000, b"two")]
    assert response.is_complete
    assert response.headers["x-twice"] == "a, b"


def test_the_bytes_are_counted_anew_for_each_response() -> None:
    def respond(exchange: Exchange) -> None:
        exchange.send(200, [], b"four")

    with serving(respond) as url:
        endpoint = RemoteEndpoint(url)
        for _ in range(2):
            endpoint.send(Request(method="GET"))

    assert endpoint.describe_received() == "4 bytes so far"


def chunked_cut(exchange: Exchange) -> None:
    exchange.start(200, [])
    exchange.chunk(b"half")
    exchange.cut()


def length_cut(exchange: Exchange) -> None:
    exchange.start(200, [], length=8)
    exchange.connection.sendall(b"half")
    exchange.cut()


@pytest.mark.parametrize("respond", [chunked_cut, length_cut])
def test_a_body_without_its_end_is_incomplete(respond: Callable[[Exchange], None]) -> None:
    with serving(respond) as url:
        response = RemoteEndpoint(url).send(Request(method="GET"))

    assert (response.body, response.is_complete) == (b"half", False)


def test_disconnecting_closes_the_connection_after_the_given_number_of_pieces() -> None:
    left = []

    def respond(exchange: Exchange) -> None:
        exchange.start(200, [])
        exchange.chunk(b"one")
        with pytest.raises(ConnectionError):
            exchange.wait(None, 30)
        left.append(True)
        exchange.cut()

    with serving(respond) as url:
        response = RemoteEndpoint(url).send(Request(method="GET"), disconnect_after=1)

    assert (response.body, response.is_complete, left) == (b"one", False, [True])


def test_a_port_where_nothing_listens_is_reported() -> None:
    with unserved_port() as port, pytest.raises(Unreachable, match=f"nothing listens at 127.0.0.1:{port}"):
        RemoteEndpoint(f"http://127.0.0.1:{port}/v1/stream").send(ASK)


def test_a_response_is_awaited_for_longer_than_a_connection() -> None:
    def think(exchange: Exchange) -> None:
        exchange.read_body(1000)
        exchange.wait(None, 0.5)
        exchange.send(200, [], b"{}")

    with serving(think) as url:
        assert RemoteEndpoint(url, transport=Transport(connect_timeout=0.2)).send(ASK).is_complete


def test_a_stream_that_falls_silent_is_incomplete() -> None:
    """What arrived of it is kept."""

    def fall_silent(exchange: Exchange) -> None:
        exchange.start(200, [])
        exchange.chunk(b"half")
        with pytest.raises(ConnectionError):
            exchange.wait(None, 30)
        exchange.cut()

    with serving(fall_silent) as url:
        response = RemoteEndpoint(url, transport=Transport(timeout=1.0)).send(Request(method="GET"))

    assert (response.body, response.is_complete) == (b"half", False)


@pytest.mark.parametrize("host", ["a..b", ".x", "x" * 64 + ".invalid"])
def test_an_impossible_host_name_is_reported(host: str) -> None:
    with pytest.raises(Unreachable, match=f"{host} is not a valid host name"):
        RemoteEndpoint(f"https://{host}/v1/stream").send(ASK)


def test_a_host_that_does_not_exist_is_reported() -> None:
    with pytest.raises(Unreachable, match=r"the host name in nowhere\.invalid cannot be resolved"):
        RemoteEndpoint("https://nowhere.invalid/v1/stream").send(ASK)


def hang_up(exchange: Exchange) -> None:
    exchange.cut()


def other_protocol(exchange: Exchange) -> None:
    exchange.connection.sendall(b"SSH-2.0-x\r\n")
    exchange.cut()


@pytest.mark.parametrize(
    ("respond", "words"),
    [(hang_up, "closed the connection without a response"), (other_protocol, "does not speak HTTP")],
)
def test_a_server_that_does_not_respond_in_http_is_reported(respond: Callable[[Exchange], None], words: str) -> None:
    with (
        serving(respond) as url,
        pytest.raises(Unreachable, match=f"{words}. Check whether the URL must begin with https://"),
    ):
        RemoteEndpoint(url).send(ASK)


def test_a_server_without_tls_is_reported() -> None:
    """The server cannot read the handshake; that is not counted as its mistake."""
    with (
        Server(hang_up) as server,
        pytest.raises(Unreachable, match=r"does not speak TLS\. Check whether the URL must begin with http://"),
    ):
        RemoteEndpoint(f"https://127.0.0.1:{server.port}/v1/stream").send(ASK)


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


def test_a_certificate_that_is_not_trusted_is_reported(certificate: ssl.SSLContext) -> None:
    """A request never goes to a server that cannot prove its name."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake_hands() -> None:
            with suppress(OSError), certificate.wrap_socket(listener.accept()[0], server_side=True):
                pytest.fail("the certificate is trusted")

        thread = threading.Thread(target=shake_hands)
        thread.start()
        with pytest.raises(Unreachable, match="is not trusted here: self-signed certificate"):
            RemoteEndpoint(f"https://127.0.0.1:{listener.getsockname()[1]}/v1/stream").send(ASK)
        thread.join()


def test_the_api_key_is_sent_with_requests_that_carry_credentials() -> None:
    seen = []

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        seen.append(exchange.headers.get("x-api-key"))
        exchange.send(200, [], b"{}")

    with serving(respond) as url:
        endpoint = RemoteEndpoint(url, with_api_key("k"))
        endpoint.send(ASK)
        endpoint.send(Request(with_credentials=False))

    assert seen == ["k", None]
    assert endpoint.has_credentials
    assert not RemoteEndpoint(url).has_credentials
