import pytest

from local.http11.server import Exchange
from tests.verify.shared import serving
from tests.verify.spoilt import KEY, SECRET, signature
from verify.endpoint import RemoteEndpoint, Request
from verify.signing import NoCredentials, with_sigv4


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
    """The signature covers the body, the path and the header fields that are sent."""
    seen = []

    def respond(exchange: Exchange) -> None:
        body = exchange.read_body(1000)
        credential, expected = signature(exchange, body, "eu-west-3")
        seen.append(f"Credential={credential}," in exchange.headers["Authorization"])
        seen.append(exchange.headers["Authorization"].endswith(f"Signature={expected}"))
        exchange.send(200, [], b"{}")

    with serving(respond) as url:
        endpoint = RemoteEndpoint(url, with_sigv4(url))
        endpoint.send(Request(b'{"a": 1}', {"Content-Type": "application/json", "Accept": "application/jsonl"}))
        endpoint.send(Request(b"[]", path="/nowhere"))

    assert seen == [True] * 4


@pytest.mark.usefixtures("credentials")
def test_the_region_is_taken_from_the_host_name() -> None:
    sign = with_sigv4("https://abc.execute-api.ap-southeast-2.amazonaws.com/v1/stream")

    assert "/ap-southeast-2/execute-api/" in sign("POST", "https://h/v1/stream", {}, b"")["Authorization"]


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    ("missing", "words"),
    [("AWS_ACCESS_KEY_ID", "There are no AWS credentials"), ("AWS_DEFAULT_REGION", "does not contain an AWS region")],
)
def test_what_is_missing_for_a_signature_is_reported(missing: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv(missing)
    with pytest.raises(NoCredentials, match=words):
        with_sigv4("https://llm.example.com/v1/stream")
