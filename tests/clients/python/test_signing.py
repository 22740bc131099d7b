"""The signature is botocore's; the key and the signature reach the server."""

import random
import string
from datetime import UTC, datetime
from unittest.mock import patch

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from streaming_llm_client import ApiKey, Client, Credentials, NoCredentials, SigV4
from streaming_llm_client.signing import credentials_of_environment, signature
from tests.clients.python.conftest import Peer, response

NOW = datetime(2026, 11, 30, 12, 34, 56, tzinfo=UTC)
CREDENTIALS = Credentials("AKIDEXAMPLE", "canary-secret", "canary-token")
LETTERS = string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@%/ äß"
VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def of_botocore(  # noqa: PLR0913 - as many as a signature covers
    credentials: Credentials, region: str, *, method: str, url: str, headers: dict[str, str], body: bytes
) -> dict[str, str]:
    known = BotocoreCredentials(credentials.access_key, credentials.secret_key, credentials.token)
    request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    with patch("botocore.auth.get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        SigV4Auth(known, "execute-api", region).add_auth(request)
    return {name: value for name, value in request.headers.items() if name not in headers}


def test_a_thousand_requests_are_signed_as_botocore_signs_them() -> None:
    chance = random.Random(15)  # noqa: S311 - the same requests each time

    def word(alphabet: str, longest: int = 12) -> str:
        return "".join(chance.choices(alphabet, k=chance.randint(0, longest)))

    for _ in range(1_000):
        scheme = chance.choice(["http", "https"])
        port = chance.choice(["", ":80", ":443", ":8443"])
        path = "/".join(chance.choice([word(LETTERS), ".", "..", ""]) for _ in range(chance.randint(0, 5)))
        query = "&".join(f"{word(LETTERS, 4)}={word(LETTERS, 4)}" for _ in range(chance.randint(0, 4)))
        url = str(httpx.URL(f"{scheme}://Api-{chance.randint(1, 9)}.Example.com{port}/{path}?{query}"))
        headers = {f"X-{word(string.ascii_letters)}-{number}": f" {word(LETTERS)}  b " for number in range(3)}
        headers["Content-Type"] = "application/json"
        token = chance.choice([None, word(string.ascii_letters) or None])
        credentials = Credentials(word(string.ascii_uppercase) or "A", word(LETTERS) or "s", token)
        region, method = chance.choice(["eu-west-1", "us-gov-west-1"]), chance.choice(["GET", "POST"])
        body = word(LETTERS).encode()

        mine = signature(credentials, region, NOW, method=method, url=url, headers=headers, body=body)

        assert mine == of_botocore(credentials, region, method=method, url=url, headers=headers, body=body), url


def test_a_request_is_sent_with_its_signature(peer: Peer) -> None:
    """What is signed is what is sent; a retried request is signed anew."""
    peer.responses.append(response("complete-jsonl"))
    with Client(peer.url, auth=SigV4("eu-west-1", CREDENTIALS)) as client:
        client.stream(prompt="Why?").final()

    [request] = peer.received
    sent_at = datetime.strptime(request.fields["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    signed = {"content-type": request.fields["content-type"]}
    expected = signature(
        CREDENTIALS, "eu-west-1", sent_at, method="POST", url=peer.url, headers=signed, body=request.body
    )
    assert request.fields["authorization"] == expected["Authorization"]
    assert request.fields["x-amz-security-token"] == "canary-token"
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token" in request.fields["authorization"]


def test_credentials_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in zip(VARIABLES, ("key", "secret", ""), strict=True):
        monkeypatch.setenv(variable, value)

    assert credentials_of_environment() == Credentials("key", "secret")


def test_missing_credentials_are_one_sentence(monkeypatch: pytest.MonkeyPatch, peer: Peer) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)

    with Client(peer.url, auth=SigV4("eu-west-1")) as client, pytest.raises(NoCredentials, match="AWS_ACCESS_KEY_ID"):
        client.stream(prompt="Why?").final()


def test_credentials_are_not_shown() -> None:
    assert "canary" not in repr(CREDENTIALS)


def test_credentials_can_be_new_for_each_request(peer: Peer) -> None:
    peer.responses += [response("complete-jsonl")] * 2
    keys = iter(["first", "second"])
    with Client(peer.url, auth=SigV4("eu-west-1", lambda: Credentials(next(keys), "secret"))) as client:
        for _ in range(2):
            client.stream(prompt="Why?").final()

    assert "Credential=first/" in peer.received[0].fields["authorization"]
    assert "Credential=second/" in peer.received[1].fields["authorization"]


def test_an_api_key_is_a_header(peer: Peer) -> None:
    peer.responses.append(response("complete-jsonl"))
    with Client(peer.url, auth=ApiKey("canary-key")) as client:
        client.stream(prompt="Why?").final()

    assert peer.received[0].fields["x-api-key"] == "canary-key"
