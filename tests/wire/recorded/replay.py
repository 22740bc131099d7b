"""Send the recorded requests through the whole chain, and describe everything that anybody saw of each."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from local.bedrock.script import Hold, Step
from local.client import Reply
from local.http11.server import Exchange, Server
from tests.wire.chain import HEARTBEATS, Chain, Seen
from tests.wire.recorded.normal import Normal, text_of
from tests.wire.recorded.requests import GOOD, MODEL, REQUESTS, SETTINGS, TIMEOUTS, Recorded

WORKERS: Final = 3
"""Sandboxes at a time."""

BODY_LIMIT: Final = 1_000_000
SERVICES: Final = ("DYNAMODB", "SNS", "EVENTBRIDGE", "FIREHOSE")
ACCEPTED: Final[Mapping[str, object]] = {
    "DynamoDB_20120810.PutItem": {},
    "AWSEvents.PutEvents": {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]},
    "Firehose_20150804.PutRecord": {"RecordId": "1"},
}
PUBLISHED: Final = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"


class Sinks:
    """A store and sinks that accept everything: DynamoDB, SNS, EventBridge and Firehose as far as one call goes."""

    def __init__(self) -> None:
        self.received: list[tuple[str, object]] = []
        """The operation and the parameters of each call."""
        self._server = Server(self._respond)

    @property
    def variables(self) -> dict[str, str]:
        """The variables that send the function's calls here."""
        return {f"AWS_ENDPOINT_URL_{service}": self._server.url for service in SERVICES}

    def close(self) -> None:
        self._server.close()

    def _respond(self, exchange: Exchange) -> None:
        body = exchange.read_body(BODY_LIMIT)
        operation = str(exchange.headers.get("X-Amz-Target", ""))
        if operation in ACCEPTED:
            self.received.append((operation, _parameters(json.loads(body))))
            content_type = str(exchange.headers.get("Content-Type"))
            exchange.send(200, [("Content-Type", content_type)], json.dumps(ACCEPTED[operation]).encode())
        else:
            self.received.append(("SNS", dict(parse_qsl(body.decode()))))
            exchange.send(200, [("Content-Type", "text/xml")], PUBLISHED)


def _parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with Firehose's base64 read."""
    if "Record" not in parameters:
        return parameters
    return {**parameters, "Record": {"Data": base64.b64decode(parameters["Record"]["Data"]).decode()}}


@dataclass
class Replayed:
    """What one request led to."""

    seen: Seen
    client_head: bytes
    """The status line and the header fields that the client received; empty without a client."""
    sent_to_model: list[tuple[str, bytes]]
    """The path and the body of each request to Bedrock, refused ones included."""
    sent_to_sinks: list[tuple[str, object]]


def replay_all(requests: Iterable[Recorded] = REQUESTS) -> dict[str, dict[str, object]]:
    """Send every request and return its description by its name; requests with the same settings share a sandbox."""
    groups: dict[str, list[Recorded]] = {}
    for request in requests:
        groups.setdefault(request.settings, []).append(request)
    described: dict[str, dict[str, object]] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        for group in pool.map(_replay_group, groups.values()):
            described |= group
    return described


def _replay_group(requests: list[Recorded]) -> dict[str, dict[str, object]]:
    settings = requests[0].settings
    chain, sinks = Chain(), Sinks()
    try:
        chain.deploy(TIMEOUTS.get(settings, 120), **SETTINGS[settings], **sinks.variables)
        chain.ask(GOOD)  # a sandbox's first request is slower, and the limits of some settings are short
        return {request.name: _described(request, _replay(chain, sinks, request)) for request in requests}
    finally:
        chain.close()
        sinks.close()


def _replay(chain: Chain, sinks: Sinks, request: Recorded) -> Replayed:
    sinks.received.clear()
    chain.bedrock.received.clear()
    chain.bedrock.refuses_output_config = [MODEL] if request.refuses_output_config else ()
    heads: list[bytes] = []

    def meanwhile(reply: Reply) -> None:
        heads.append(bytes(reply.wait().raw).partition(b"\r\n\r\n")[0])
        MEANWHILE[request.meanwhile](chain, request, reply)

    chain.bedrock.play(_gated(request.model, request), *([request.again] if request.again else []))
    if request.event:
        assert request.accept
        seen = chain.invoke(request.accept, request.body, request.event)
    elif request.meanwhile == "leave":
        assert request.accept
        seen = chain.leave(_gated(request.model, request), request.accept, meanwhile, request.body)
    else:
        seen = chain.ask(accept=request.accept, body=request.body, headers=request.headers, meanwhile=meanwhile)
    for call in seen.calls:
        assert call.ended.wait(10), f"{request.name}: the connection to the model is still open"
    return Replayed(seen, heads[0] if heads else b"", list(chain.bedrock.received), list(sinks.received))


def _gated(steps: list[Step], request: Recorded) -> list[Step]:
    """Give each gate the name of its request: a gate that is open stays open."""
    return [Hold(request.name) if isinstance(step, Hold) else step for step in steps]


def _reset(chain: Chain, request: Recorded, reply: Reply) -> None:
    chain.bedrock.reached(request.name)
    next(reply.chunks())
    chain.twin.function.invocations[-1].reset()
    chain.bedrock.release(request.name)


def _leave(chain: Chain, request: Recorded, reply: Reply) -> None:
    chain.bedrock.reached(request.name)
    next(reply.chunks())
    reply.close()
    chain.bedrock.release(request.name)


def _await_heartbeat(chain: Chain, request: Recorded, reply: Reply) -> None:
    next(chunk for chunk in reply.chunks() if chunk in HEARTBEATS)
    chain.bedrock.release(request.name)


MEANWHILE: Final[Mapping[str, Callable[[Chain, Recorded, Reply], None]]] = {
    "": lambda _, __, ___: None,
    "head": lambda chain, request, _: chain.bedrock.release(request.name),
    "heartbeat": _await_heartbeat,
    "reset": _reset,
    "leave": _leave,
}


def _described(request: Recorded, replayed: Replayed) -> dict[str, object]:
    """Return all that was seen, without what differs from run to run: JSON for a person to read and to compare."""
    seen, invocation = replayed.seen, replayed.seen.invocation
    assert invocation is not None
    normal = Normal(
        request_id=seen.headers.get("x-request-id", ""),
        invocation_id=invocation.id,
        chunk_count=len(invocation.chunks) - 1,
        byte_count=sum(map(len, invocation.chunks[1:])),
        is_cut_short=request.meanwhile == "reset",
    )
    chunks = invocation.chunks[1:]
    is_whole = request.meanwhile not in {"reset", "leave"}
    assert not is_whole or list(seen.chunks) == chunks, f"{request.name}: the gateway passed on other chunks"
    return {
        "request": {
            "settings": SETTINGS[request.settings],
            "accept": request.accept,
            "headers": dict(request.headers),
            "body": text_of(request.body[:100]),
        },
        "client": {"head": normal.head(replayed.client_head), "end": str(seen.end) if is_whole else None},
        "response": {
            "head": normal.head(invocation.raw.partition(b"\r\n\r\n")[0]),
            "prelude": normal.text(text_of(invocation.chunks[0])),
            "chunks": normal.chunks(chunks),
            "trailers": normal.trailers(invocation.trailers),
            "ending": str(invocation.ending),
        },
        "output": normal.output(moment.about for moment in seen.moments if moment.what == "output"),
        "sinks": [{"operation": operation, "parameters": normal.value(it)} for operation, it in replayed.sent_to_sinks],
        "model": [{"path": path, "body": text_of(body)} for path, body in replayed.sent_to_model],
    }
