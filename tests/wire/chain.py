"""One request through the whole chain, and everything that anybody saw of it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl

from local.bedrock.call import Call
from local.bedrock.script import Step
from local.bedrock.server import Bedrock
from local.client import End, Reply
from local.gateway.prelude import DELIMITER, parse_prelude
from local.gateway.proxy_event import Request, proxy_event
from local.gateway.routes import ROUTE, path
from local.http11.server import Exchange, Server
from local.journal import Journal, Moment
from local.lambda_.deployment import Deployment
from local.lambda_.invocation import Invocation
from local.twin import Twin

Script = Sequence[Step]
HEARTBEATS = (b"\n", b":\n\n")
"""Of the formats that consist of events."""


@dataclass
class Seen:
    """What a request led to. Made when the sandbox waits for its next event: nothing more will come of it."""

    status: int
    headers: Mapping[str, str]
    chunks: Sequence[bytes]
    end: End | None
    calls: Sequence[Call]
    """The model calls that it led to."""
    moments: Sequence[Moment]
    """What happened in the twin meanwhile."""
    invocation: Invocation | None

    @cached_property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """The typed events of a body in JSON Lines or SSE."""
        lines = [line.removeprefix("data: ") for line in self.body.decode().splitlines()]
        return [json.loads(line) for line in lines if line.startswith("{")]

    @cached_property
    def output(self) -> list[dict[str, Any]]:
        """The lines that the function wrote, those that are JSON."""
        return list(_documents(moment.about for moment in self.moments if moment.what == "output"))

    def lines(self, stage: str) -> list[dict[str, Any]]:
        return [line for line in self.output if line.get("stage") == stage]

    @property
    def log(self) -> dict[str, Any]:
        [line] = self.lines("log")
        return line

    @property
    def metric(self) -> dict[str, Any]:
        [line] = [line for line in self.output if "_aws" in line]
        return line

    @property
    def problem(self) -> dict[str, Any]:
        """What the client was told: a problem of its own or in the last event."""
        document = self.document if self.status != 200 else self.events[-1]["problem"]
        assert isinstance(document, dict)
        return document

    def order(self) -> list[str]:
        """What happened, in order: the stages by their names, the rest as the journal has it."""
        return [kind for moment in self.moments if (kind := _kind(moment))]


def _kind(moment: Moment) -> str | None:
    if moment.what != "output":
        return moment.what
    documents = list(_documents([moment.about]))
    stage = documents[0].get("stage") if documents else None
    return str(stage) if stage else None


def _documents(lines: Iterator[str] | Sequence[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict):
            yield document


class Records:
    """A store and a sink: DynamoDB and SNS as far as one item and one message go."""

    def __init__(self) -> None:
        self.mood = "good"
        """Or ``refusing``, or ``hanging``."""
        self.stored: list[dict[str, Any]] = []
        """The parameters of each PutItem that was taken."""
        self.published: list[dict[str, str]] = []
        """The parameters of each Publish that was taken."""
        self.raw = bytearray()
        """Every byte that came, refused or not."""
        self.on_call: Callable[[], None] = lambda: None
        """Called when something comes, before it is answered."""
        self._server = Server(self._respond)

    @property
    def variables(self) -> dict[str, str]:
        """What the function is told of them."""
        return {
            "store": "dynamodb:records",
            "sink": "sns:arn:aws:sns:eu-west-1:123456789012:topic",
            "AWS_ENDPOINT_URL_DYNAMODB": self._server.url,
            "AWS_ENDPOINT_URL_SNS": self._server.url,
        }

    def clear(self) -> None:
        self.stored, self.published, self.raw = [], [], bytearray()

    def close(self) -> None:
        self._server.close()

    def _respond(self, exchange: Exchange) -> None:
        body = exchange.read_body(1_000_000)
        self.raw += body
        self.on_call()
        is_item = "DynamoDB" in str(exchange.headers.get("X-Amz-Target"))
        if self.mood == "hanging":
            exchange.wait(None)
        if self.mood == "refusing":
            exchange.send(400, [("Content-Type", JSON_1)], b'{"__type": "x#AccessDeniedException", "message": "no"}')
        elif is_item:
            self.stored.append(json.loads(body))
            exchange.send(200, [("Content-Type", JSON_1)], b"{}")
        else:
            self.published.append(dict(parse_qsl(body.decode())))
            exchange.send(200, [("Content-Type", "text/xml")], PUBLISHED)


JSON_1 = "application/x-amz-json-1.0"
PUBLISHED = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"


TIMEOUT: Final = 120
"""Seconds of a function whose time a test does not choose."""


class Chain:
    """A twin that stays warm from test to test, and its model; beside it, one that is deployed with other variables."""

    def __init__(self, deployment: Deployment | None = None) -> None:
        self.on_output: Callable[[str], None] = lambda _: None
        """Called with each line that the function writes, while its sandbox is read."""
        self.bedrock = Bedrock()
        self.journal = Journal()
        self._default, self._other = (
            Twin(self.bedrock, deployment, journal=self.journal, on_output=self._wrote) for _ in range(2)
        )
        self._twin = self._other
        self._deployed: dict[Twin, Mapping[str, str]] = {self._default: {}, self._other: {}}
        """The variables of each twin."""
        self.reset()

    @property
    def twins(self) -> Sequence[Twin]:
        """Both twins."""
        return self._default, self._other

    @property
    def twin(self) -> Twin:
        """The twin as it was deployed last, or the default one if ``reset`` was called since."""
        if self._is_reset:
            self.deploy()
        return self._twin

    def reset(self) -> None:
        """Have the default variables from now on. A test that deploys the same as the one before keeps its sandbox."""
        self._is_reset = True

    def deploy(self, timeout: float = TIMEOUT, **environment: str) -> None:
        """See to it that the function runs with these variables (``LLM_`` is put before) and a debug log."""
        variables = {name if name.isupper() else f"LLM_{name.upper()}": value for name, value in environment.items()}
        wanted = {"POWERTOOLS_LOG_LEVEL": "DEBUG", **variables}
        self._is_reset = False
        self._twin = self._other if environment or timeout != TIMEOUT else self._default
        before = self._deployed[self._twin]
        if wanted != before or timeout != self._twin.function.deployment.timeout:
            fresh = {**dict.fromkeys(before, ""), "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self.bedrock.url}
            self._twin.deploy({**fresh, **wanted}, timeout=timeout)
            self._deployed[self._twin] = wanted

    @property
    def captures_content(self) -> bool:
        """What the function was told last of prompts and answers in its records."""
        return self._deployed[self._twin].get("LLM_CAPTURE_CONTENT") == "true"

    def ask(
        self,
        script: Script | None = None,
        accept: str | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        meanwhile: Callable[[Reply], None] = lambda _: None,
    ) -> Seen:
        """Send one request and follow it to its very end; ``meanwhile`` may act on the answer under way.

        Without a script the model goes on with what it plays.
        """
        if script is not None:
            self.bedrock.play(script)
        began, calls = len(self.twin.journal.moments()), len(self.bedrock.calls)
        invocations = len(self.twin.function.invocations)
        with self.twin.post({"prompt": "Why?"} if body is None else body, accept, headers) as reply:
            meanwhile(reply)
            if not reply.end:
                reply.body()
        self.twin.function.wait_until_idle()
        mine = list(self.twin.function.invocations)[invocations:]
        return Seen(
            status=reply.status,
            headers=reply.headers,
            chunks=reply.taken,
            end=reply.end,
            calls=self.bedrock.calls[calls:],
            moments=self.twin.journal.moments()[began:],
            invocation=mine[0] if mine else None,
        )

    def invoke(self, accept: str, body: bytes, members: Mapping[str, object]) -> Seen:
        """Invoke the function past the gateway, with an event that has other ``members`` than the gateway's."""
        began, calls = len(self.twin.journal.moments()), len(self.bedrock.calls)
        fields = [("Accept", accept), ("Content-Type", "application/json")]
        event = {**proxy_event(Request("POST", path(ROUTE), "", fields, body, "127.0.0.1", 443)), **members}
        invocation = self.twin.function.invoke(json.dumps(event).encode())
        invocation.read()
        self.twin.function.wait_until_idle()
        prelude = parse_prelude(invocation.chunks[0].removesuffix(DELIMITER))
        return Seen(
            status=prelude.status,
            headers={name.lower(): value for name, value in prelude.fields},
            chunks=invocation.chunks[1:],
            end=End.CLEAN,
            calls=self.bedrock.calls[calls:],
            moments=self.twin.journal.moments()[began:],
            invocation=invocation,
        )

    def leave(self, script: Script, accept: str, leave: Callable[[Reply], None], body: object = None) -> Seen:
        """Send a request whose client goes away; ``leave`` closes it and waits for what matters."""
        self.bedrock.play(script)
        began, calls = len(self.twin.journal.moments()), len(self.bedrock.calls)
        reply = self.twin.post({"prompt": "Why?"} if body is None else body, accept)
        leave(reply)
        self.twin.function.wait_until_idle()
        return Seen(
            status=reply.status,
            headers=reply.headers,
            chunks=[],
            end=reply.end,
            calls=self.bedrock.calls[calls:],
            moments=self.twin.journal.moments()[began:],
            invocation=self.twin.function.invocations[-1],
        )

    def _wrote(self, line: str) -> None:
        self.on_output(line)

    def close(self) -> None:
        for twin in self.twins:
            twin.close()
        self.bedrock.close()
