"""What a client sends."""

import json
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, Field, TypeAdapter

from streaming_llm_client import AsyncClient, Client
from tests.clients.python.conftest import Peer, response
from tests.coroutines import run as run_coroutine


class Question(BaseModel):
    topic: str = Field(serialization_alias="Topic")


@pytest.mark.parametrize(
    ("given", "fields", "sent"),
    [
        (None, {"prompt": "Grüße?"}, {"prompt": "Grüße?"}),
        ("Why?", {}, "Why?"),
        ({"messages": []}, {}, {"messages": []}),
        (Question(topic="tides"), {}, {"Topic": "tides"}),
        (None, {"schema": "s", "request": Question(topic="ice")}, {"schema": "s", "request": {"Topic": "ice"}}),
    ],
)
def test_a_request_is_json(peer: Peer, given: object, fields: dict[str, Any], sent: object) -> None:
    """Its fields as keywords, JSON values, a Pydantic model, or the prompt alone."""
    peer.responses.append(response("complete-jsonl"))
    with Client(peer.url, headers={"X-Tenant": "blue"}) as client:
        client.stream(None, given, **fields).final()

    [request] = peer.received
    assert json.loads(request.body) == sent
    assert request.fields["content-type"] == "application/json"
    assert request.fields["accept"] == "application/jsonl"
    assert request.fields["accept-encoding"] == "identity"
    assert request.fields["x-tenant"] == "blue"


def test_a_request_can_be_empty(peer: Peer) -> None:
    """Where every field of the request class has a default."""
    peer.responses.append(response("complete-jsonl"))
    with Client(peer.url) as client:
        client.stream().final()

    assert peer.received[0].body == b""
    assert "content-type" not in peer.received[0].fields


def test_a_wrong_request_is_an_error_before_anything_is_sent(peer: Peer) -> None:
    with Client(peer.url) as client:
        with pytest.raises(TypeError, match="not both"):
            client.stream(None, "Why?", prompt="Why?")
        with pytest.raises(TypeError, match="JSON values or Pydantic models; got object"):
            client.stream(None, object())

    assert peer.received == []


def test_any_type_that_pydantic_knows_can_be_the_answer(peer: Peer) -> None:
    peer.responses += [response("root-list"), response("root-null")]
    with Client(peer.url) as client:
        assert client.stream(list[float], prompt="Why?").final() == [10.0, 20.0]
        assert client.stream(TypeAdapter(int | None), prompt="Why?").final() is None


def test_an_http_client_of_ones_own_is_used_and_not_closed(peer: Peer) -> None:
    peer.responses += [response("complete-jsonl")] * 2
    with httpx.Client(headers={"X-Own": "yes"}, auth=("user", "canary")) as http:
        for _ in range(2):
            with Client(peer.url, http=http) as client:
                client.stream(prompt="Why?").final()

    assert [request.fields["x-own"] for request in peer.received] == ["yes", "yes"]
    assert peer.received[0].fields["authorization"].startswith("Basic ")


def test_the_same_without_blocking(peer: Peer) -> None:
    async def main() -> None:
        async with httpx.AsyncClient(headers={"X-Own": "yes"}) as http, AsyncClient(peer.url, http=http) as client:
            assert await client.stream(list[int], prompt="Why?").final() == [10, 20]
        async with AsyncClient(peer.url) as client:
            assert await client.stream(prompt="Why?").final() == [10, 20]

    peer.responses += [response("root-list")] * 2
    run_coroutine(main())

    assert [request.fields.get("x-own") for request in peer.received] == ["yes", None]
