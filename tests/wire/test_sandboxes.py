"""What becomes of a sandbox: a thousand requests leave nothing in it, and each way to lose one has a decided end.

Everything runs in real processes and sockets: gateway, Runtime API, sandbox, model, store and sink.
"""

import json
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

import pytest

from function.contract import Outcome
from local.bedrock.call import Call
from local.bedrock.script import (
    BadChecksum,
    Cut,
    Fail,
    Fragment,
    Hang,
    Hold,
    Open,
    Reasoning,
    Refuse,
    Stop,
    Usage,
    fragments,
)
from local.bedrock.script import Reset as ModelReset
from local.bedrock.server import Bedrock
from local.client import End, Reply
from local.lambda_.deployment import Deployment
from local.lambda_.invocation import Ending as InvocationEnding
from local.twin import CHECKOUT, Twin, task_root
from tests.formats import FORMATS, RAW, SSE, WHOLE
from tests.wire.chain import Chain, Records, Script, Seen
from tests.wire.endings_table import (
    CANARY,
    CANCELLED,
    COMPLETED,
    DOCUMENT,
    EVERY_OUTCOME,
    FAILED,
    GOOD,
    PROMPT,
    REJECTED,
    VALUE,
    Ending,
)
from tests.wire.weighed.weighing import WEIGH

WEIGHED: Final = Path(__file__).parent / "weighed"

# --- A thousand requests -------------------------------------------------------------------------------------------

SEED: Final = 7
REQUESTS: Final = 1_000
WARM: Final = 300
"""Requests before the first weighing: imports, caches and source lines come with the first failure of each kind."""
SANDBOXES: Final = 3
LEAKED_OBJECTS: Final = 100
"""How many more objects of the garbage collector a sandbox can hold at the end, after some 233 more requests.

A connection that is kept has eight of them; a failure in a place where none was before has some twenty.
"""
LEAKED_BLOCKS: Final = 700
"""The same for Python's blocks of memory, with strings and numbers: three per request, which itself needs thousands."""
LEAKED_KILOBYTES: Final = 2_048
"""The same for resident memory, of which Python takes a megabyte at a time."""
IDLE_CONNECTIONS: Final = 10
"""botocore's ``max_pool_connections``: so many to the model may be kept for the next request."""
LONG: Final = 5 * "some more words, "
"""Pydantic caches up to 16,384 strings of fewer than 64 characters: texts that differ by request are longer."""


@dataclass(frozen=True)
class Kind:
    """A kind of request, and what is to become of it."""

    ending: Ending
    weight: int
    """In hundredths, more or less."""
    script: Callable[[Script], Script] = lambda good: good
    """What the model does, given the fragments, the stop and the usage of a good answer."""
    begun: bool = True
    """The failure comes after the client's first byte, in the formats that have one by then."""
    calls: int = 1
    act: str = ""
    """What happens while the model is held: ``reset`` by the platform, or ``leave``, if the client disconnects."""
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def _held(good: Script) -> Script:
    return [*good[:2], Hold(""), *good[2:]]


def _held_in_a_string(good: Script) -> Script:
    """Every piece after the gate is a write, so that one fails."""
    return [*good[:2], Hold(""), *fragments(300 * "x", 3), Hang()]


KINDS: Final[Mapping[str, Kind]] = {
    "good": Kind(COMPLETED, 40),
    "thinking": Kind(COMPLETED, 4, lambda good: [Open(), Reasoning(CANARY), *good]),
    "no usage": Kind(COMPLETED, 2, lambda good: good[:-1]),
    "cut after the stop": Kind(COMPLETED, 2, lambda good: [*good[:-1], Cut()]),
    "reader left": Kind(COMPLETED, 4, _held, act="leave"),
    "wrong value": Kind(FAILED["answer_invalid"], 5, lambda _: [Fragment('{"summary": 5,'), Hang()], begun=False),
    "wrong item": Kind(FAILED["answer_invalid"], 5, lambda good: [*good[:2], Fragment('", "keywords": [7,'), Hang()]),
    "prose": Kind(FAILED["answer_not_json"], 3, lambda good: [Fragment(f"I say {CANARY}"), *good[-2:]], begun=False),
    "truncated": Kind(FAILED["answer_truncated"], 5, lambda good: [*good[:2], Stop("max_tokens"), Usage(1, 2)]),
    "declined": Kind(FAILED["answer_refused"], 4, lambda _: [Open(), Stop("refusal"), Usage(1, 2)], begun=False),
    "guarded": Kind(FAILED["answer_refused"], 3, lambda good: [*good[:-2], Stop("guardrail_intervened"), Usage(1, 2)]),
    "throttled": Kind(FAILED["model_busy"], 1, lambda _: [Refuse("ThrottlingException")], begun=False, calls=3),
    "denied": Kind(FAILED["model_misconfigured"], 8, lambda _: [Refuse("AccessDeniedException")], begun=False),
    "cut": Kind(FAILED["model_failed"], 4, lambda good: [*good[:2], Cut(half_frame=True)]),
    "damaged": Kind(FAILED["model_failed"], 3, lambda good: [*good[:2], BadChecksum(CANARY)]),
    "reset": Kind(FAILED["model_failed"], 3, lambda good: [*good[:2], ModelReset()]),
    "broken": Kind(FAILED["model_failed"], 3, lambda good: [*good[:2], Fail("modelStreamErrorException")]),
    "no stop": Kind(FAILED["model_failed"], 3, lambda good: good[:-2]),
    "cancelled": Kind(CANCELLED, 5, _held_in_a_string, act="reset"),
    "not json": Kind(REJECTED["body_not_json"], 3, body=f"{{{PROMPT}".encode(), calls=0),
    "no prompt": Kind(REJECTED["body_invalid"], 3, body=b'{"prompt": 5}', calls=0),
    "image": Kind(REJECTED["media_type_unsupported"], 2, headers={"Content-Type": "image/png"}, calls=0),
    "html": Kind(REJECTED["not_acceptable"], 2, headers={"Accept": "text/html"}, calls=0),
}


@dataclass(frozen=True)
class Plan:
    """One request of the mix."""

    number: int
    kind: Kind
    what: str
    accept: str

    @property
    def prompt(self) -> str:
        return f"{PROMPT}: {LONG} {self.number}"

    @property
    def value(self) -> dict[str, object]:
        return {"summary": f"{CANARY} says Grüße to {self.number}: {LONG}", "keywords": [CANARY]}

    @property
    def document(self) -> str:
        return json.dumps(self.value, ensure_ascii=False)

    @property
    def script(self) -> Script:
        """What the model does: a gate has this request's name."""
        good: Script = [*fragments(self.document, 16), Stop(), Usage(12, 34)]
        make = _held if self.kind.act == "reset" and self.accept == WHOLE else self.kind.script
        return [Hold(self.prompt) if isinstance(step, Hold) else step for step in make(good)]

    @property
    def committed(self) -> bool:
        return self.kind.begun and self.accept != WHOLE


@dataclass(frozen=True)
class Met:
    """What a client met with."""

    plan: Plan
    id: str
    reply: Reply


ASKING: Final = [what for what, kind in KINDS.items() if kind.calls]
"""The kinds of requests that reach the model, where they can be held."""


def mix() -> list[Plan]:
    """Return a thousand requests, the same each time: at first one of each kind for every sandbox."""
    chance = random.Random(SEED)  # noqa: S311 - nothing secret
    names = [what for what in ASKING for _ in range(SANDBOXES)]
    names += chance.choices(list(KINDS), [kind.weight for kind in KINDS.values()], k=REQUESTS - len(names))
    return [Plan(number, KINDS[name], name, chance.choice(FORMATS)) for number, name in enumerate(names)]


class Traffic:
    """Clients that send a request as soon as a sandbox is idle: as many at a time as there are sandboxes."""

    def __init__(self, twin: Twin, bedrock: Bedrock) -> None:
        self._twin = twin
        self._bedrock = bedrock
        self._scripts: dict[str, Script] = {}
        self._turn = threading.Lock()
        self._sent = 0
        self.met: list[Met] = []
        self.weighed: list[Reply] = []
        bedrock.answer = self._answer

    def meet(self, plans: Sequence[Plan]) -> None:
        """Send one request to each sandbox: held by the model until every sandbox has one."""
        gate = f"all of {plans[0].number}"
        self._scripts |= {plan.prompt: [Hold(gate), *plan.script] for plan in plans}
        called = len(self._bedrock.calls)
        with ThreadPoolExecutor(SANDBOXES) as pool:
            sent = [pool.submit(self._send, plan) for plan in plans]
            self._bedrock.called(called + SANDBOXES)
            self._bedrock.release(gate)
        self.met += [each.result() for each in sent]

    def run(self, plans: Sequence[Plan]) -> None:
        """Send all of them; return when the stages of the last one are through."""
        self._scripts |= {plan.prompt: plan.script for plan in plans}
        waiting: SimpleQueue[Plan] = SimpleQueue()
        for plan in plans:
            waiting.put(plan)
        with ThreadPoolExecutor(SANDBOXES) as pool:
            for done in [pool.submit(self._work, waiting) for _ in range(SANDBOXES)]:
                done.result()
        self._twin.function.wait_until_idle()

    def weigh(self) -> dict[int, dict[str, Any]]:
        """Return the weight of each sandbox by its process id.

        Each is weighed twice, and the second weight counts: the answer to the first request leaves every sandbox in the
        same state, with an idle connection to the model.
        """
        self._weigh()
        return self._weigh()

    def _weigh(self) -> dict[int, dict[str, Any]]:
        """Send one request to every sandbox; the model holds each of them until all have one."""
        gate = f"weighing {len(self.weighed)}"
        self._scripts[WEIGH] = [Hold(gate), *GOOD]
        called, began = len(self._bedrock.calls), len(self._twin.journal.moments())
        replies = [self._twin.post({"prompt": WEIGH}, WHOLE) for _ in range(SANDBOXES)]
        self._bedrock.called(called + SANDBOXES)
        self._bedrock.release(gate)
        assert [reply.json() for reply in replies] == SANDBOXES * [VALUE]
        self._twin.function.wait_until_idle()
        self._sent += SANDBOXES
        self.weighed += replies
        weights = [line["weight"] for line in written(self._twin, began) if "weight" in line]
        return {weight["process"]: weight for weight in weights}

    def _answer(self, call: Call) -> Script:
        return self._scripts[call.prompt]

    def _work(self, waiting: "SimpleQueue[Plan]") -> None:
        try:
            while True:
                self.met.append(self._send(waiting.get_nowait()))
        except Empty:
            pass

    def _send(self, plan: Plan) -> Met:
        body = {"prompt": plan.prompt} if plan.kind.body is None else plan.kind.body
        with self._turn:
            self._sent += 1
            self._twin.journal.wait("next", self._sent)  # each sandbox asks once more than it was given
            reply = self._twin.post(body, plan.accept, plan.kind.headers)
        with reply:
            if plan.kind.act:
                return Met(plan, self._interfere(plan, reply), reply)
            reply.body()
        return Met(plan, reply.headers["x-request-id"], reply)

    def _interfere(self, plan: Plan, reply: Reply) -> str:
        """Leave, or let the platform reset the invocation, while the model is held; return the request's id."""
        self._bedrock.reached(plan.prompt)
        if plan.committed:
            next(reply.chunks())
        name = json.dumps(plan.prompt).encode()[1:-1]
        [invocation] = [each for each in list(self._twin.function.invocations) if name + b'\\"' in each.event]
        if plan.kind.act == "leave":
            reply.close()
        else:
            invocation.reset()
        self._bedrock.release(plan.prompt)
        if plan.kind.act == "reset":
            reply.body()
        return invocation.id


def written(twin: Twin, began: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the lines of JSON that the function wrote since a moment of the journal."""
    for moment in twin.journal.moments()[began:]:
        if moment.what == "output" and moment.about.startswith("{"):
            yield json.loads(moment.about)


@dataclass(frozen=True)
class Thousand:
    """What a thousand requests led to."""

    met: Sequence[Met]
    weighed: Sequence[Reply]
    """The answers to the requests to be weighed, which count too."""
    lines: Sequence[dict[str, Any]]
    stored: Sequence[dict[str, Any]]
    published: Sequence[dict[str, Any]]
    raw_records: bytes
    raw_output: str
    calls: Sequence[Call]
    before: Mapping[int, dict[str, Any]]
    """The weights after the first requests, by process."""
    after: Mapping[int, dict[str, Any]]
    sandboxes: int


@pytest.fixture(scope="module")
def thousand() -> Iterator[Thousand]:
    """A seeded mix, sent through a few warm sandboxes."""
    plans = mix()
    with ExitStack() as stack:
        root = stack.enter_context(task_root(WEIGHED))
        bedrock, records = stack.enter_context(Bedrock()), Records()
        stack.callback(records.close)
        variables = {
            name if name.isupper() else f"LLM_{name.upper()}": value
            for name, value in {
                **records.variables,
                "publish_outcomes": EVERY_OUTCOME,
                "request": "weighing:Request",
            }.items()
        }
        twin = stack.enter_context(Twin(bedrock, Deployment(root, variables, concurrency=SANDBOXES)))
        traffic = Traffic(twin, bedrock)
        traffic.weigh()
        for at in range(0, len(ASKING) * SANDBOXES, SANDBOXES):
            traffic.meet(plans[at : at + SANDBOXES])
        traffic.run(plans[len(ASKING) * SANDBOXES : WARM])
        before = traffic.weigh()
        traffic.run(plans[WARM:])
        after = traffic.weigh()
        output = [moment.about for moment in twin.journal.moments() if moment.what == "output"]
        yield Thousand(
            met=traffic.met,
            weighed=traffic.weighed,
            lines=list(written(twin)),
            stored=[json.loads(item["Item"]["record"]["S"]) for item in records.stored],
            published=[json.loads(message["Message"]) for message in records.published],
            raw_records=bytes(records.raw),
            raw_output="\n".join(output),
            calls=bedrock.calls,
            before=before,
            after=after,
            sandboxes=twin.function.sandboxes_started,
        )
        assert not twin.gateway.mistakes
        assert not bedrock.mistakes


def test_a_thousand_requests_are_each_answered_as_they_deserve(thousand: Thousand) -> None:
    """Each client gets the answer or the failure of its own request, never of another one."""
    assert len(thousand.met) == REQUESTS
    assert {met.plan.what for met in thousand.met} == set(KINDS)
    for met in thousand.met:
        if met.plan.kind.act != "leave":
            _check_reply(met.plan, met.reply)


def _check_reply(plan: Plan, reply: Reply) -> None:
    told = f"{plan}: {reply.status} {reply.end} {reply.received!r}"
    error = plan.kind.ending.error
    if plan.kind.ending is CANCELLED:
        assert (reply.status, reply.end) == ((200, End.CUT) if plan.committed else (502, End.CLEAN)), told
    elif error is None:
        assert (reply.status, reply.end) == (200, End.CLEAN), told
        assert _answer_of(plan, reply) == plan.value, told
    elif not plan.committed or plan.kind.calls == 0:
        assert (reply.status, reply.end) == (error.status, End.CLEAN), told
        assert json.loads(reply.received)["code"] == error.code, told
    elif plan.accept == RAW:
        assert (reply.status, reply.end) == (200, End.CUT), told
        assert plan.document.startswith(reply.received.decode()[:16]), told
        with pytest.raises(json.JSONDecodeError):
            json.loads(reply.received)
    else:
        assert (reply.status, reply.end) == (200, End.CLEAN), told
        assert _events(reply)[-1]["problem"]["code"] == error.code, told


def _events(reply: Reply) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in reply.received.decode().splitlines()]
    return [json.loads(line) for line in lines if line.startswith("{")]


def _answer_of(plan: Plan, reply: Reply) -> object:
    return json.loads(reply.received) if plan.accept in {RAW, WHOLE} else _events(reply)[-1]["value"]


def test_a_thousand_requests_have_each_one_line_one_metric_one_record_and_one_message(thousand: Thousand) -> None:
    """For each request, every stage has run once, and all of them report the true outcome."""
    outcomes = {met.id: met.plan.kind.ending.outcome.value for met in thousand.met}
    outcomes |= {reply.headers["x-request-id"]: "completed" for reply in thousand.weighed}
    recorded = {id_: outcome for id_, outcome in outcomes.items() if outcome != Outcome.REJECTED}
    logged = [line for line in thousand.lines if line.get("stage") == "log"]
    metrics = [line for line in thousand.lines if "_aws" in line]

    assert len(outcomes) == REQUESTS + len(thousand.weighed)
    assert _counted(logged, "request_id") == Counter(outcomes.items())
    assert _counted(metrics, "request_id") == Counter(outcomes.items())
    assert _counted(thousand.stored, "id") == Counter(recorded.items())
    assert _counted(thousand.published, "id") == Counter(recorded.items())
    assert _by_id(thousand.stored) == _by_id(thousand.published)
    assert sum(metric["Requests"][0] for metric in metrics) == len(outcomes)


def _counted(lines: Sequence[Mapping[str, Any]], key: str) -> Counter[tuple[str, str]]:
    return Counter((line[key], line["outcome"]) for line in lines)


def _by_id(records: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {record["id"]: record for record in records}


def test_a_thousand_records_equal_their_requests(thousand: Thousand) -> None:
    """Status, bytes and chunks are those that the client got, the tokens and the stop those of the model's script."""
    records = _by_id(thousand.stored)
    logged = {line["request_id"]: line for line in thousand.lines if line.get("stage") == "log"}
    for met in thousand.met:
        plan, log, record = met.plan, logged[met.id], records.get(met.id)
        told = f"{plan}: {log}"
        assert log.get("error.type") == plan.kind.ending.code, told
        assert log["level"] == plan.kind.ending.level, told
        if record is not None:
            assert (record["error"] or {}).get("code") == plan.kind.ending.code, told
            assert (record["chunks"], record["bytes"]) == (log["chunks"], log["bytes"]), told
        if not plan.kind.act:
            assert log["http.response.status_code"] == met.reply.status, told
            assert (log["chunks"], log["bytes"]) == (len(met.reply.taken), len(met.reply.received)), told
        if not plan.kind.act and record is not None:
            [*_, reason] = [None, *(step.reason for step in plan.script if isinstance(step, Stop))]
            assert record["stopReason"] == reason, told
            assert (record["usage"] is None) is not any(isinstance(step, Usage) for step in plan.script), told


def test_a_thousand_requests_ask_the_model_once_each_and_leave_no_call_open(thousand: Thousand) -> None:
    """Three times if the service throttles, and not at all if the request is rejected."""
    asked = Counter(call.prompt for call in thousand.calls)

    assert asked.pop(WEIGH) == len(thousand.weighed)
    assert asked == Counter({met.plan.prompt: met.plan.kind.calls for met in thousand.met if met.plan.kind.calls})
    assert all(call.ended.wait(10) and not call.is_open() for call in thousand.calls)


def test_a_thousand_requests_leave_no_content_in_logs_and_records(thousand: Thousand) -> None:
    for word in (CANARY, PROMPT):
        assert word not in thousand.raw_output
        assert word.encode() not in thousand.raw_records


def test_a_thousand_requests_leave_nothing_in_their_sandboxes(thousand: Thousand) -> None:
    """The same few processes all the time; objects, memory, threads and descriptors do not grow with the requests."""
    assert thousand.sandboxes == len(thousand.after) == SANDBOXES
    assert thousand.before.keys() == thousand.after.keys()
    for process, after in thousand.after.items():
        before = thousand.before[process]
        more = {name: after[name] - before[name] for name in before if name not in {"process", "kinds"}}
        told = f"{more}, of them {Counter(after['kinds']) - Counter(before['kinds'])}"
        assert more["objects"] <= LEAKED_OBJECTS, told
        assert more["blocks"] <= LEAKED_BLOCKS, told
        assert more["resident"] <= LEAKED_KILOBYTES, told
        assert (more["threads"], more["descriptors"]) == (0, 0), told
        assert after["threads"] == 1, told
        assert after["idle connections"] <= IDLE_CONNECTIONS, told


# --- The end of a sandbox ------------------------------------------------------------------------------------------

BEGUN: Final = '{"summ'
"""What the model has written when the request is interrupted."""
SILENCE: Final[Script] = [Hang()]
TRUNCATED: Final = {InvocationEnding.TRUNCATED, InvocationEnding.CRASHED}
"""How such an invocation ends: truncated if its answer had begun, otherwise crashed."""


class Room:
    """A chain whose sandboxes may be lost, with a store and a sink."""

    def __init__(self, deployment: Deployment | None = None, timeout: float = 120, **variables: str) -> None:
        self.records = Records()
        self.chain = Chain(deployment)
        self.chain.deploy(timeout, **{**self.records.variables, **variables})
        self._gates = 0

    @property
    def process(self) -> int:
        """The one sandbox's process id."""
        [process] = self.chain.twin.function.processes
        return process

    def warm_up(self) -> None:
        """See to it that there is a sandbox, and forget what it has done."""
        self.chain.ask(GOOD, WHOLE)
        self.records.clear()

    def interrupted(self, accept: str, interrupt: Callable[[], None], rest: Script = SILENCE) -> Seen:
        """Follow a request that is interrupted while the model is silent in the middle of its answer."""
        self.warm_up()
        self._gates += 1
        gate = f"in mid-stream, {self._gates}"

        def act(reply: Reply) -> None:
            self.chain.bedrock.reached(gate)
            if accept != WHOLE:
                next(reply.chunks())
            interrupt()
            self.chain.bedrock.release(gate)

        return self.chain.ask([Fragment(BEGUN), Hold(gate), *rest], accept, meanwhile=act)

    def weigh(self) -> dict[str, Any]:
        """Ask for the weight of the one sandbox of a function that weighs itself."""
        [weight] = [
            line["weight"] for line in self.chain.ask(GOOD, WHOLE, {"prompt": WEIGH}).output if "weight" in line
        ]
        return dict(weight)

    def stall(self) -> None:
        """Let the platform read no more of the latest answer."""
        self.chain.twin.function.invocations[-1].stall()

    def check_next(self, *, fresh: bool) -> None:
        """Check that a good request, to a fresh sandbox or the same one, finds nothing of those before it."""
        started = self.chain.twin.function.sandboxes_started
        self.records.clear()
        seen = self.chain.ask(GOOD, WHOLE)

        assert self.chain.twin.function.sandboxes_started == started + int(fresh)
        assert (seen.status, seen.end, seen.document) == (200, End.CLEAN, VALUE)
        assert (seen.log["outcome"], seen.metric["NotCompleted"]) == ("completed", [0])
        assert "error.type" not in seen.log
        assert len(seen.calls) == len(self.records.stored) == len(self.records.published) == 1

    def close(self) -> None:
        self.chain.close()
        self.records.close()


@pytest.fixture(scope="module")
def lasting_room() -> Iterator[Room]:
    with ExitStack() as stack:
        room = Room()
        stack.callback(room.close)
        yield room


@pytest.fixture
def room(lasting_room: Room) -> Iterator[Room]:
    lasting_room.warm_up()
    yield lasting_room
    lasting_room.records.on_call = lambda: None


def exits(seen: Seen) -> list[str]:
    """Return the exit statuses of the sandboxes that ended meanwhile."""
    return [moment.about for moment in seen.moments if moment.what == "gone"]


def check_leaves_nothing(room: Room) -> None:
    """Threads, open files and memory of the one sandbox are the same after 20 requests and after 200."""
    weights = []
    for requests in (20, 180):
        for _ in range(requests):
            room.chain.ask(GOOD, WHOLE)
        weights.append(room.weigh())
    before, after = weights
    assert after["process"] == before["process"]
    assert (after["threads"], after["descriptors"]) == (before["threads"], before["descriptors"])
    assert after["resident"] - before["resident"] <= LEAKED_KILOBYTES


def check_cut(seen: Seen, accept: str) -> None:
    """Check that the client gets no reason, and sees that its answer is incomplete."""
    if accept == WHOLE:
        assert (seen.status, seen.end, seen.document["code"]) == (502, End.CLEAN, "DEFAULT_5XX")
        return
    assert (seen.status, seen.end) == (200, End.CUT)
    if accept == RAW:
        assert BEGUN.startswith(seen.body.decode())
    else:
        assert {event["type"] for event in seen.events} <= {"start", "delta"}


def check_cancelled(room: Room, seen: Seen) -> None:
    """Check that there is one log line, one metric, one record and no message, and that the model call is closed."""
    assert (seen.log["outcome"], seen.log["level"]) == ("cancelled", "WARNING"), seen.log
    assert "error.type" not in seen.log
    assert (seen.metric["outcome"], seen.metric["NotCompleted"]) == ("cancelled", [1])
    [item] = room.records.stored
    record = json.loads(item["Item"]["record"]["S"])
    assert (record["id"], record["outcome"], record["error"]) == (seen.log["request_id"], "cancelled", None)
    assert (record["chunks"], record["bytes"]) == (seen.log["chunks"], seen.log["bytes"])
    assert room.records.published == []
    check_model_closed(seen)


def check_model_closed(seen: Seen) -> None:
    """Check that the model call has ended, by itself or because it was closed, and holds no connection."""
    [call] = seen.calls
    assert call.ended.wait(10)
    assert not call.is_open()


@pytest.mark.parametrize("accept", FORMATS)
def test_a_sandbox_that_is_asked_to_end_breaks_off_and_tells_so(room: Room, accept: str) -> None:
    """SIGTERM in mid-stream: the client is cut off, the stages finalise as cancelled, the process ends well."""
    open_calls: list[bool] = []

    def look() -> None:
        call = room.chain.bedrock.calls[-1]
        open_calls.append(call.is_open() and not call.ended.wait(1))  # its reader may have been before the headers

    room.records.on_call = look
    seen = room.interrupted(accept, lambda: os.kill(room.process, signal.SIGTERM))

    check_cut(seen, accept)
    check_cancelled(room, seen)
    assert open_calls == [False, False, False]  # the good request is stored and published, this one is stored
    assert seen.invocation is not None
    assert seen.invocation.ending in TRUNCATED
    assert exits(seen) == ["0"]
    room.check_next(fresh=True)


@pytest.mark.parametrize("accept", FORMATS)
def test_a_sandbox_that_is_killed_tells_nothing(room: Room, accept: str) -> None:
    """SIGKILL in mid-stream: the client is cut off, no stage runs, and the kernel closes the model's call."""
    seen = room.interrupted(accept, lambda: os.kill(room.process, signal.SIGKILL))

    check_cut(seen, accept)
    assert seen.output == []
    assert (room.records.stored, room.records.published) == ([], [])
    check_model_closed(seen)
    assert exits(seen) == [str(-signal.SIGKILL)]
    room.check_next(fresh=True)


def test_a_sandbox_that_is_asked_to_end_after_its_answer_finishes_its_stages(room: Room) -> None:
    """SIGTERM while the store is called: nothing of the request is lost, and the process ends well."""
    room.records.on_call = lambda: os.kill(room.process, signal.SIGTERM)
    seen = room.chain.ask(GOOD, SSE)

    assert (seen.end, seen.events[-1]["type"]) == (End.CLEAN, "complete")
    assert (seen.log["outcome"], len(room.records.stored), len(room.records.published)) == ("completed", 1, 1)
    assert exits(seen) == ["0"]
    room.records.on_call = lambda: None
    room.check_next(fresh=True)


LOST_WHILE_IDLE: Final[Mapping[str, tuple[Callable[[Room], None], str, bool]]] = {
    "SIGTERM": (lambda room: os.kill(room.process, signal.SIGTERM), "0", False),
    "SIGKILL": (lambda room: os.kill(room.process, signal.SIGKILL), str(-signal.SIGKILL), False),
    "no Runtime API": (lambda room: room.chain.twin.function.hang_up(), "1", True),
}


@pytest.mark.parametrize(("lose", "status", "says_so"), LOST_WHILE_IDLE.values(), ids=LOST_WHILE_IDLE.keys())
def test_a_sandbox_that_is_lost_between_requests_costs_none(
    room: Room, lose: Callable[[Room], None], status: str, *, says_so: bool
) -> None:
    """It ends without a stage; the next request has a fresh one."""
    journal = room.chain.twin.journal
    began = len(journal.moments())
    losses = journal.order("gone").count("gone")
    lose(room)
    journal.wait("gone", losses + 1)
    moments = journal.moments()[began:]

    assert [moment.about for moment in moments if moment.what == "gone"] == [status]
    lines = [moment.about for moment in moments if moment.what == "output"]
    assert all("[CRITICAL]" in line and "the Runtime API failed" in line for line in lines)
    assert len(lines) == int(says_so)
    room.check_next(fresh=True)


@pytest.mark.parametrize("accept", FORMATS)
def test_a_runtime_api_that_goes_away_cancels_and_ends_the_sandbox(room: Room, accept: str) -> None:
    """In mid-stream: the function notices with its next write, the stages finalise, and no event comes any more."""
    end = fragments(DOCUMENT[len(BEGUN) :]) if accept == WHOLE else [*fragments('ary": "' + 400 * "x"), Hang()]
    seen = room.interrupted(accept, room.chain.twin.function.hang_up, [*end, Stop(), Usage(1, 2)])

    check_cut(seen, accept)
    check_cancelled(room, seen)
    told = [moment.about for moment in seen.moments if moment.what == "output"]
    assert any("Lambda stopped accepting the response" in line for line in told)
    assert any("[CRITICAL]" in line and "the Runtime API failed" in line for line in told)
    assert exits(seen) == ["1"]
    room.check_next(fresh=True)


# --- A call that was abandoned -------------------------------------------------------------------------------------


@pytest.fixture
def weighing_room() -> Iterator[Room]:
    """A function that weighs itself. It has a time limit of 2 s, of which 1.6 s are for the answer."""
    with ExitStack() as stack:
        root = stack.enter_context(task_root(WEIGHED))
        room = Room(Deployment(root), timeout=2, request="weighing:Request")
        stack.callback(room.close)
        yield room


def test_a_call_that_is_given_up_before_its_headers_leaves_nothing_behind(weighing_room: Room) -> None:
    """Its thread and its connection end with the request, and not when the headers come."""
    room, bedrock = weighing_room, weighing_room.chain.bedrock
    room.warm_up()
    before = room.weigh()
    seen = room.chain.ask([Hold("the headers"), *GOOD], SSE)
    after = room.weigh()
    bedrock.release("the headers")
    [call] = seen.calls
    assert call.ended.wait(10)

    assert (seen.status, seen.document["code"], seen.log["outcome"]) == (504, "deadline_reached", "deadline")
    assert after["threads"] == before["threads"]
    assert after["descriptors"] <= before["descriptors"]  # one connection less may be kept for the next call
    assert after["objects"] <= before["objects"] + LEAKED_OBJECTS


# --- A log that takes nothing --------------------------------------------------------------------------------------


@pytest.fixture
def room_without_a_log(tmp_path: Path) -> Iterator[Room]:
    """A function whose stdout and stderr are on a full disk."""
    (tmp_path / "function").symlink_to(CHECKOUT / "function")
    bootstrap = tmp_path / "bootstrap"
    bootstrap.write_text('#!/bin/sh\nexec "$LAMBDA_TASK_ROOT/function/bootstrap" "$@" >/dev/full 2>/dev/full\n')
    bootstrap.chmod(0o755)
    with ExitStack() as stack:
        room = Room(Deployment(tmp_path), publish_outcomes=EVERY_OUTCOME)
        stack.callback(room.close)
        yield room


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that is always full")
def test_a_full_disk_for_logs_costs_the_lines_and_nothing_else(room_without_a_log: Room) -> None:
    """Answers are complete, failures reach the client, both are stored and published, and the sandbox lives on."""
    room = room_without_a_log
    broken: Script = [Fragment(BEGUN), Cut()]
    for accept in FORMATS:
        for script, outcome, told in (
            (GOOD, "completed", "complete"),
            (broken, "failed", "cut" if accept == RAW else "model_failed"),
            (GOOD, "completed", "complete"),
        ):
            room.records.clear()
            seen = room.chain.ask(script, accept)

            assert how_it_ended(seen, accept) == told
            assert not [moment for moment in seen.moments if moment.what in {"output", "gone"}]
            [item] = room.records.stored
            assert item["Item"]["outcome"]["S"] == outcome
            assert [json.loads(message["Message"])["outcome"] for message in room.records.published] == [outcome]
    assert room.chain.twin.function.sandboxes_started == len(room.chain.twin.function.processes) == 1


def how_it_ended(seen: Seen, accept: str) -> str:
    """Return how the response ended for the client: ``complete``, a problem's code, or ``cut``."""
    if seen.end is not End.CLEAN:
        return "cut"
    if seen.status != 200:
        return str(seen.document["code"])
    last = {"type": "complete", "value": seen.document} if accept in {RAW, WHOLE} else seen.events[-1]
    if last["type"] == "error":
        return str(last["problem"]["code"])
    assert last["value"] == VALUE
    return str(last["type"])


# --- A deadline in the middle of a blocked write -------------------------------------------------------------------

FLOOD: Final[Script] = [Fragment('ary": "'), *(700 * [Fragment(20_000 * "x")]), Hang()]
"""14 MB, more than the buffers and queues on the way can hold; an answer may have 16."""


GIVEN_UP: Final[Mapping[str, str]] = {
    **{f"the platform stops reading, {accept}": accept for accept in FORMATS},
    "the client stops reading": SSE,
}


@pytest.fixture(scope="module")
def given_up() -> Iterator[Mapping[str, tuple[Room, Seen]]]:
    """Functions with five seconds for all they do, of which four are the answer's: all at once."""
    with ExitStack() as stack, ThreadPoolExecutor(len(GIVEN_UP)) as pool:
        rooms = {name: Room(timeout=5) for name in GIVEN_UP}
        for room in rooms.values():
            stack.callback(room.close)
        seen = pool.map(_stop_reading, rooms, rooms.values())
        yield {name: (rooms[name], one) for name, one in zip(rooms, seen, strict=True)}


def _stop_reading(name: str, room: Room) -> Seen:
    accept = GIVEN_UP[name]
    if "platform" in name:
        rest = [*fragments(DOCUMENT[len(BEGUN) :]), Stop(), Usage(1, 2)] if accept == WHOLE else FLOOD
        return room.interrupted(accept, room.stall, rest)
    room.warm_up()

    def stop_reading(reply: Reply) -> None:
        next(reply.chunks())
        room.chain.twin.journal.wait("gone")

    return room.chain.ask([Fragment(BEGUN), *FLOOD], accept, meanwhile=stop_reading)


@pytest.mark.parametrize(("name", "accept"), GIVEN_UP.items(), ids=GIVEN_UP)
def test_a_write_that_blocks_until_the_deadline_is_given_up_in_time_for_the_stages(
    given_up: Mapping[str, tuple[Room, Seen]], name: str, accept: str
) -> None:
    """The platform holds the answer and hands out no further event: the sandbox ends, by itself.

    Whole JSON fits into the buffers: it is the receipt that does not come. A client that stops reading is the same
    where its back-pressure reaches the function; when it reads on it finds what was on its way, and a cut.
    """
    room, seen = given_up[name]

    assert (seen.status, seen.end) == (200, End.CUT)
    if accept in {RAW, WHOLE}:
        assert DOCUMENT not in seen.body.decode()
    else:
        assert {event["type"] for event in seen.events} == {"start", "delta"}
    check_cancelled(room, seen)
    told = [moment.about for moment in seen.moments if moment.what == "output" and moment.about.startswith("[")]
    assert [line.split("\t")[0] for line in told] == ["[WARNING]", "[CRITICAL]"]
    assert "Lambda stopped accepting the response: TimeoutError" in told[0]
    assert "the Runtime API failed: 403" in told[1]
    assert exits(seen) == ["1"]
    room.check_next(fresh=True)
