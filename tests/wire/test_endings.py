"""However a stream ends, the client knows, the log knows, and nothing is lost: the matrix of all endings.

Every case is a request through real processes and sockets. The next one in the same sandbox, which is a good one if
something goes wrong in the case, shows that nothing of it is left.
"""

import json
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import zip_longest
from math import ceil
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore
from typing import Any, Final

import pytest

from function.contract import Outcome, read_settings
from local.bedrock.call import Call
from local.bedrock.script import Cut, Fragment, Hang, Hold, Pause, Stop, fragments
from local.client import End, Reply
from local.lambda_.invocation import Ending as InvocationEnding
from tests.aws.stages.emf import check_emf
from tests.formats import LINES, RAW, SSE, WHOLE
from tests.unserved import unserved_port
from tests.wire.chain import HEARTBEATS, Chain, Records, Script, Seen
from tests.wire.endings_table import (
    BY_CODE,
    CANARY,
    COMPLETED,
    DELTAS,
    DOCUMENT,
    ENDINGS,
    ERROR_CODES,
    ERRORS,
    EXCEPTION_CODES,
    EXCEPTIONS,
    GOOD,
    GUARDED,
    HANGING,
    IMPATIENT,
    PREPARED_LATE,
    PREPARED_SOON,
    PROMPT,
    REJECTED,
    SHORT,
    SLEEPY,
    STOP_CODES,
    STOP_REASONS,
    USAGE,
    VALUE,
    Case,
    all_cases,
)

CASES: Final = {str(case): case for case in all_cases()}
ENDINGS_DOC: Final = Path(__file__).parents[2] / "docs" / "endings.md"
CLOSING: Final = 0.5
"""Seconds until the stand-in has noticed that a connection is closed; the store is not waited for much longer."""
REPROACH: Final = "An earlier answer was refused: the value at /keywords/0 broke the rule string_type."
TRAILERS: Final = {"lambda-runtime-function-error-type", "lambda-runtime-function-error-body"}


@dataclass
class Observed:
    """What a case led to."""

    case: Case
    prompt: str
    seen: Seen
    stored: list[dict[str, Any]]
    published: list[dict[str, str]]
    raw_records: bytes
    model_was_open: bool
    """When store or sink was called."""
    sandboxes: int
    """How many were started for it."""
    written: list[str]
    """Every line that the function wrote since the request before it, whoever wrote it."""
    after: "Observed | None" = None
    """The next request in the same sandbox."""


AFTERWARDS: Final = Case(
    ending=COMPLETED, what="good", place="afterwards", format="lines", script=GOOD, stop_reason="end_turn", usage=True
)
"""The request after a case that has no other good one after it."""
Turn = tuple[Case, ...]
"""Cases that follow each other in one sandbox: where something goes wrong, a good one is next."""


def turns_of(cases: Sequence[Case]) -> Iterator[Turn]:
    """Have each case in which something goes wrong followed by one that is good: of the matrix, as far as these go."""
    good = [case for case in cases if _is_good(case)]
    wrong = [case for case in cases if not _is_good(case)]
    for case, after in zip_longest(wrong, good[: len(wrong)], fillvalue=AFTERWARDS):
        yield case, after
    for case in good[len(wrong) :]:
        yield (case,)


def _is_good(case: Case) -> bool:
    interferes = case.meanwhile or case.reset_in or case.second or case.heartbeats or case.sinks != "good"
    return case.ending is COMPLETED and not interferes


class Player:
    """Plays cases, one after the other, in a warm sandbox of its own."""

    def __init__(self, environment: str) -> None:
        self._stack = ExitStack()
        self._chain, self._records = Chain(), Records()
        self._stack.callback(self._records.close)
        self._stack.callback(self._chain.close)
        pipe = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="endings-"))) / "pipe"
        os.mkfifo(pipe)
        variables: dict[str, Any] = {**json.loads(environment), **self._records.variables, "PIPE": str(pipe)}
        self._chain.deploy(float(variables.pop("timeout", 120)), **variables)
        with STARTS:
            self._chain.ask(GOOD, WHOLE)
        self._last: Observed | None = None
        self._written = len(self._chain.journal.moments())
        self.observed: dict[str, Observed | Exception] = {}

    def play(self, waiting: "SimpleQueue[Turn]") -> None:
        """Take turns as long as there are any; a good request is the last one."""
        with suppress(Empty):
            while True:
                for case in waiting.get_nowait():
                    self._play(case)
        if self._last is not None and self._last.case is not AFTERWARDS:
            self._play(AFTERWARDS)

    def _play(self, case: Case) -> None:
        last, self._last = self._last, None
        try:
            self._last = observed = self._observe(case)
        except Exception as error:  # noqa: BLE001 - it is the case's test that fails
            failed = last.case if case is AFTERWARDS and last else case
            self.observed[str(failed)] = error
            return
        if last is not None:
            last.after = observed
        self.observed.setdefault(str(case), observed)

    def _observe(self, case: Case) -> Observed:
        chain, records = self._chain, self._records
        began, started = len(chain.bedrock.calls), chain.twin.function.sandboxes_started
        prompt = f"{PROMPT} {uuid.uuid4()}{case.padding * ' x'}"
        with _watched(chain, records, case) as open_calls:
            seen = _ask(chain, case, prompt)
            for call in seen.calls:
                assert call.ended.wait(10), f"{case}: the model's connection is still open"
        # a call that a busy machine made late is still that of its own request
        seen.calls = [call for call in chain.bedrock.calls[began:] if call.prompt.split("\n")[0] == prompt]
        moments, self._written = chain.journal.moments()[self._written :], len(chain.journal.moments())
        return Observed(
            case=case,
            prompt=prompt,
            seen=seen,
            stored=records.stored,
            published=records.published,
            raw_records=bytes(records.raw),
            model_was_open=any(open_calls),
            sandboxes=chain.twin.function.sandboxes_started - started,
            written=[moment.about for moment in moments if moment.what == "output"],
        )

    def close(self) -> None:
        self._stack.close()


def _ask(chain: Chain, case: Case, prompt: str) -> Seen:
    body = case.body or json.dumps({"prompt": prompt}).encode()
    if case.event:
        return chain.invoke(case.accept, body, case.event)
    chain.twin.gateway.clean_cut = case.format == "raw, ended cleanly"
    chain.bedrock.play(case.script, *([case.second] if case.second else []))
    meanwhile = MEANWHILE[case.meanwhile](chain, case)
    if case.meanwhile == "leave":
        return chain.leave(case.script, case.accept, meanwhile, body)
    return chain.ask(accept=case.accept, body=body, headers=case.headers, meanwhile=meanwhile)


@contextmanager
def _watched(chain: Chain, records: Records, case: Case) -> Iterator[list[bool]]:
    """Let store and sink behave as the case has it, look at the model when they are called, and reset where it says.

    Yields a list that grows: whether a call to the model was open when one of them was called.
    """
    open_calls: list[bool] = []
    began = len(chain.bedrock.calls)
    due = {"store": 1, "publish": 2}.get(case.reset_in)

    def on_call() -> None:
        open_calls.append(any(_is_open(call) for call in chain.bedrock.calls[began:]))
        if len(open_calls) == due:
            chain.twin.function.invocations[-1].reset()

    def on_output(line: str) -> None:
        if case.reset_in == "log" and '"stage":"log"' in line:
            chain.twin.function.invocations[-1].reset()

    records.clear()
    records.mood, records.on_call, chain.on_output = case.sinks, on_call, on_output
    yield open_calls
    records.mood, records.on_call, chain.on_output = "good", lambda: None, lambda _: None


def _is_open(call: Call) -> bool:
    """Tell whether the function still holds a call that it could close: before the headers it could not."""
    return call.frames > 0 and call.is_open() and not call.ended.wait(CLOSING)


def _nothing(_: Chain, __: Case) -> Callable[[Reply], None]:
    return lambda _: None


def _reset(chain: Chain, case: Case) -> Callable[[Reply], None]:
    """Reset the invocation while the model is held."""

    def act(reply: Reply) -> None:
        chain.bedrock.reached(case.gate)
        if case.committed:
            next(reply.chunks())
        chain.twin.function.invocations[-1].reset()
        chain.bedrock.release(case.gate)

    return act


def _after_a_chunk(act: Callable[[Chain, Reply], object]) -> Callable[[Chain, Case], Callable[[Reply], None]]:
    """Act while the model is held, once the client has the first chunk, if there is one by then."""

    def meanwhile(chain: Chain, case: Case) -> Callable[[Reply], None]:
        def then(reply: Reply) -> None:
            chain.bedrock.reached(case.gate)
            if case.committed:
                next(reply.chunks())
            act(chain, reply)
            chain.bedrock.release(case.gate)

        return then

    return meanwhile


def _release(chain: Chain, case: Case) -> Callable[[Reply], None]:
    """Let the model go on once the client has received a sign of life, or the outcome."""

    def act(reply: Reply) -> None:
        if case.heartbeats:
            _hear_heartbeat(reply)
        else:
            reply.wait()
        chain.bedrock.release(case.gate)

    return act


def _let_prepare_go(chain: Chain, _: Case) -> Callable[[Reply], None]:
    """Let ``prepare`` go on once the client has heard a sign of life."""

    def act(reply: Reply) -> None:
        _hear_heartbeat(reply)
        Path(str(chain.twin.function.deployment.environment["PIPE"])).open("w").close()

    return act


def _hear_heartbeat(reply: Reply) -> None:
    for chunk in reply.chunks():
        if chunk in HEARTBEATS:
            return


MEANWHILE: Final = {
    "": _nothing,
    "reset": _reset,
    # the platform reads no more, while the model says more than the way to it can hold
    "stall": _after_a_chunk(lambda chain, _: chain.twin.function.invocations[-1].stall()),
    "leave": _after_a_chunk(lambda _, reply: reply.close()),
    "release": _release,
    "let prepare go": _let_prepare_go,
}


def play(waiting: "SimpleQueue[Turn]", environment: str) -> dict[str, Observed | Exception]:
    """Play cases of one environment."""
    with closing(Player(environment)) as player:
        player.play(waiting)
    return player.observed


WAITING: Final = {
    json.dumps(SHORT): 5,
    json.dumps(SLEEPY): 5,
    json.dumps(IMPATIENT): 24,
    json.dumps(PREPARED_LATE): 8,
    json.dumps(PREPARED_SOON): 8,
    json.dumps(GUARDED): 40,
    json.dumps(HANGING): 7,
}
"""Environments whose cases mostly wait, with the cases that one twin plays: they run beside all other cases."""
WORTH_A_START: Final = 400
"""Other cases that one twin plays at least: more twins would not be faster, and each starts a sandbox."""
AT_A_TIME: Final = 3
"""Twins for other cases, at most: a few more than there are processors."""
STARTS: Final = BoundedSemaphore(AT_A_TIME)
"""How many sandboxes start at a time: on a busy machine, more of them would not be ready within their ten seconds."""


@pytest.fixture(scope="module")
def observations(request: pytest.FixtureRequest) -> dict[str, Observed | Exception]:
    """Every selected case, run."""
    specs = [
        item.callspec
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    ]
    chosen = {spec.params["case"] for spec in specs if spec.params.get("case") in CASES}
    groups: dict[str, list[Case]] = {}
    for name, case in CASES.items():
        if name in chosen:
            groups.setdefault(json.dumps(case.environment), []).append(case)
    observed: dict[str, Observed | Exception] = {}
    with ThreadPoolExecutor(len(CASES)) as waiters, ThreadPoolExecutor(AT_A_TIME) as workers:
        played = []
        for environment, cases in sorted(groups.items(), key=lambda group: -len(group[1])):
            waiting: SimpleQueue[Turn] = SimpleQueue()
            for turn in turns_of(cases):
                waiting.put(turn)
            pool = waiters if environment in WAITING else workers
            twins = ceil(len(cases) / WAITING.get(environment, WORTH_A_START))
            played += [pool.submit(play, waiting, environment) for _ in range(twins)]
        for each in played:
            observed.update(each.result())
    return observed


@pytest.mark.parametrize("case", CASES)
def test_every_ending_is_known_to_all(observations: Mapping[str, Observed | Exception], case: str) -> None:
    """Client, log, metric, store, sink and model each see the ending for what it is; the next request sees nothing."""
    observed = observations[case]
    if isinstance(observed, Exception):
        raise observed
    _check(observed)
    _check_next(CASES[case], observed)
    _check_content(CASES[case], observed)


def _check(observed: Observed) -> None:
    case, seen = observed.case, observed.seen
    _check_client(case, seen)
    _check_log(case, seen)
    _check_metric(case, seen)
    _check_records(case, observed)
    _check_model(case, observed)
    _check_order(case, seen)


def _check_client(case: Case, seen: Seen) -> None:
    assert seen.invocation is not None
    error = case.ending.error
    if case.ending.outcome is Outcome.CANCELLED:
        _check_cancelled(case, seen)
        return
    if case.meanwhile == "leave":  # nobody is there to see the end
        assert seen.invocation.ending is (InvocationEnding.CUT if case.is_cut else InvocationEnding.COMPLETE)
        return
    if error is None:
        assert (seen.status, seen.end, seen.invocation.trailers) == (200, End.CLEAN, {})
        _check_answer(case, seen)
    elif not case.committed:
        assert (seen.status, seen.end, seen.invocation.trailers) == (error.status, End.CLEAN, {})
        assert seen.headers["content-type"] == "application/problem+json"
        assert ("retry-after" in seen.headers) is (error.retry_after is not None)
        _check_problem(case, seen, seen.document)
    elif case.is_cut:
        assert seen.status == 200
        assert seen.body.decode() == case.text
        assert seen.end is (End.CLEAN if case.format == "raw, ended cleanly" else End.CUT)
        assert set(seen.invocation.trailers) == TRAILERS
        assert seen.invocation.trailers["lambda-runtime-function-error-type"] == f"Function.{error.code}"
        with pytest.raises(json.JSONDecodeError):
            json.loads(seen.body)
    else:
        assert (seen.status, seen.end, seen.invocation.trailers) == (200, End.CLEAN, {})
        _check_events(case, seen, "error")
        _check_problem(case, seen, seen.events[-1]["problem"])


def _check_cancelled(case: Case, seen: Seen) -> None:
    assert seen.invocation is not None
    assert seen.invocation.ending is InvocationEnding.RESET
    if case.committed:
        assert (seen.status, seen.end) == (200, End.CUT)
        assert b"complete" not in seen.body
    else:
        assert seen.status == 502
        assert seen.document["code"] == "DEFAULT_5XX"


def _check_problem(case: Case, seen: Seen, problem: Mapping[str, Any]) -> None:
    error = case.ending.error
    assert error is not None
    assert problem["type"] == f"urn:streaming-llm:problem:{error.code}"
    assert (problem["code"], problem["status"], problem["title"]) == (error.code, error.status, error.title)
    assert problem["requestId"] == seen.headers["x-request-id"]
    if error.code == "answer_invalid":
        assert problem["path"].startswith("/")
        assert problem["rule"] == case.ending.rule if case.ending.rule else problem["rule"]


def _check_answer(case: Case, seen: Seen) -> None:
    if case.accept == RAW:
        assert seen.body.decode() == case.text
    elif case.accept == WHOLE:
        assert seen.document == VALUE
    else:
        _check_events(case, seen, "complete")
        assert seen.events[-1]["value"] == VALUE
        assert seen.events[-1]["stopReason"] == case.stop_reason
        reported = {"inputTokens": USAGE.input_tokens, "outputTokens": USAGE.output_tokens}
        assert seen.events[-1]["usage"] == (reported if case.usage else None)


def _check_events(case: Case, seen: Seen, last: str) -> None:
    kinds = [event["type"] for event in seen.events]
    assert kinds[0] == "start"
    assert kinds[-1] == last
    assert set(kinds[1:-1]) <= {"delta", "restart", "thinking"}
    assert kinds.count("thinking") == case.signs
    assert kinds.count("restart") == case.restarts
    assert any(chunk in HEARTBEATS for chunk in seen.chunks) is case.heartbeats
    assert seen.events[0]["id"] == seen.headers["x-request-id"]


def _check_log(case: Case, seen: Seen) -> None:
    log = seen.log
    assert (log["level"], log["outcome"]) == (case.ending.level, case.ending.outcome.value)
    assert log.get("error.type") == case.ending.code
    assert log["attempts"] == (case.attempts if case.calls else 0)
    assert log["calls"] == case.calls or (case.is_hurried and log["calls"] < case.calls)
    is_seen_whole = case.ending.outcome is not Outcome.CANCELLED and case.meanwhile != "leave"
    if is_seen_whole:  # how far the model came until a write failed is left open
        assert log["gen_ai.response.finish_reasons"] == ([case.stop_reason] if case.stop_reason else [])
        assert log["request_id"] == seen.headers["x-request-id"]
        assert log["http.response.status_code"] == seen.status
        assert (log["chunks"], log["bytes"]) == (len(seen.chunks), len(seen.body))
        tokens = case.attempts * USAGE.input_tokens if case.usage and not case.restarts else None
        assert case.restarts or case.second or log.get("gen_ai.usage.input_tokens") == tokens
    assert log["total_ms"] >= log.get("last_chunk_ms", 0) >= log.get("first_chunk_ms", 0)
    if case.what in ERROR_CODES:  # whose fault it is
        assert log["causes"][1]["code"] == case.what
    if case.ending.outcome is Outcome.FAILED and case.calls and not case.what.startswith(("malformed", "a_reason")):
        told = [cause["type"] for cause in log["causes"]]
        assert len(told) > 1 or case.what in {"end without a stop", "end in mid-frame"} or case.is_hurried
    if case.ending.code == "answer_invalid":
        assert (log["error_path"], log["error_rule"]) != ("", "")
        characters = sum(len(step.text) for step in case.last_script if isinstance(step, Fragment))
        assert log["tokens_not_awaited_at_most"] == log["gen_ai.request.max_tokens"] - ceil(characters / 4) > 0


def _check_metric(case: Case, seen: Seen) -> None:
    metric = seen.metric
    check_emf(metric)
    assert metric["outcome"] == case.ending.outcome.value
    assert metric["Requests"] == [1]
    assert metric["NotCompleted"] == [case.ending.not_completed]
    assert metric.get("ValidationErrors", [0]) == [int(case.ending.code == "answer_invalid")]
    assert ("InputTokens" in metric) is (seen.log.get("gen_ai.usage.input_tokens") is not None)


def _check_records(case: Case, observed: Observed) -> None:
    assert not observed.model_was_open
    if case.sinks != "good":
        assert (observed.stored, observed.published) == ([], [])
        texts = [moment.about for moment in observed.seen.moments if moment.what == "output"]
        published = _is_published(case)
        assert [stage for stage in ("store", "publish") if any(f"stage {stage}_stage" in text for text in texts)] == [
            "store",
            *(["publish"] if published else []),
        ]
        return
    log = observed.seen.log
    if case.ending.outcome is Outcome.REJECTED:
        assert (observed.stored, observed.published) == ([], [])
        return
    [item] = observed.stored
    record = json.loads(item["Item"]["record"]["S"])
    assert item["ConditionExpression"] == "attribute_not_exists(id)"
    assert item["Item"]["id"]["S"] == record["id"] == log["request_id"]
    assert item["Item"]["outcome"]["S"] == record["outcome"] == case.ending.outcome.value
    assert (record["error"] or {}).get("code") == case.ending.code
    if case.ending.code == "answer_invalid":
        told = ("error_path", "error_rule", "closed_values", "tokens_not_awaited_at_most")
        members = ("path", "rule", "closedValues", "tokensNotAwaitedAtMost")
        assert [record["error"][member] for member in members] == [log[name] for name in told]
    assert (record["attempts"], record["calls"]) == (case.attempts, log["calls"])
    assert [record["stopReason"]] == (log["gen_ai.response.finish_reasons"] or [None])
    assert (record["chunks"], record["bytes"], record["status"]) == (
        log["chunks"],
        log["bytes"],
        log["http.response.status_code"],
    )
    assert "content" not in record
    messages = [json.loads(message["Message"]) for message in observed.published]
    assert messages == ([record] if _is_published(case) else [])


def _is_published(case: Case) -> bool:
    outcomes = case.environment.get("publish_outcomes", "completed").split(",")
    return case.ending.outcome.value in outcomes


def _check_model(case: Case, observed: Observed) -> None:
    calls = observed.seen.calls
    assert len(calls) == case.calls or (case.is_hurried and len(calls) < case.calls)
    if case.attempts > 1:
        reproach = calls[-1].prompt.removeprefix(f"{observed.prompt}\n")
        assert reproach.startswith("An earlier answer was refused: the value at ")
        assert CANARY not in reproach
    for call in observed.seen.calls:
        assert not call.is_open()
    if observed.seen.calls and isinstance(case.last_script[-1], Hang):
        assert observed.seen.calls[-1].closed_at is not None


def _check_order(case: Case, seen: Seen) -> None:
    """The client has everything before any stage runs, and the stages are through before the next event."""
    ends = set() if case.ending.outcome is Outcome.CANCELLED else {"response end", "client end"}
    if case.event or case.meanwhile == "leave":  # there is no client
        ends = {"response end"}
    stages = ["log"]
    if case.ending.outcome is not Outcome.REJECTED and case.sinks == "good":
        stages += ["store", *(["publish"] if _is_published(case) else [])]
    stages.append("gone" if case.ends_sandbox else "next")
    order = [event for event in seen.order() if event in {*ends, "log", "store", "publish", "next", "gone"}]
    assert order == [*(event for event in ("response end", "client end") if event in ends), *stages]


def _check_next(case: Case, observed: Observed) -> None:
    """The next request is answered as it deserves: another case, or a good one that only shows this."""
    after = observed.after
    assert after is not None, "the next request failed"
    assert after.sandboxes == int(case.ends_sandbox)
    if after.case is not AFTERWARDS:
        _check(after)
        return
    seen = after.seen
    assert (seen.status, seen.end, seen.events[-1]["value"]) == (200, End.CLEAN, VALUE)
    assert seen.log["outcome"] == "completed"
    assert "error.type" not in seen.log
    assert seen.log.get("gen_ai.usage.input_tokens") == USAGE.input_tokens
    assert (len(seen.calls), seen.log["attempts"]) == (1, 1)
    assert seen.metric["NotCompleted"] == [0]
    assert len(after.stored) == 1


def _check_content(case: Case, observed: Observed) -> None:
    """Neither the prompt nor the answer is in anything but the answer itself."""
    seen = observed.seen
    assert seen.invocation is not None
    assert observed.after is not None
    told = [json.dumps([seen.invocation.trailers, seen.invocation.error, dict(seen.headers)])]
    if case.ending.code is not None:
        told.append(seen.body.decode() if not case.committed else json.dumps(_problems(case, seen)))
    for text in [*observed.written, *observed.after.written, *told, observed.raw_records.decode()]:
        assert CANARY not in text
        assert PROMPT not in text


def _problems(case: Case, seen: Seen) -> list[object]:
    if case.accept == RAW:  # it has no room for any
        return []
    return [event["problem"] for event in seen.events if "problem" in event]


def test_every_error_and_exception_of_the_service_is_in_the_matrix() -> None:
    """As botocore's model of ConverseStream names them; a new one has to be decided."""
    assert set(ERRORS) <= set(ERROR_CODES)
    assert set(EXCEPTIONS) == set(EXCEPTION_CODES)


def test_every_code_is_a_row_of_the_table() -> None:
    assert {ending.code for ending in ENDINGS if ending.code and not ending.refusal} == set(BY_CODE)


def test_every_row_of_the_table_is_played_and_every_case_is_a_row() -> None:
    """Before the first byte and after it, where there is an after: no row is a mere claim."""
    played = {(case.ending, case.committed) for case in CASES.values()}
    first = set(REJECTED.values())

    assert played == {
        (ending, committed) for ending in ENDINGS for committed in (False, True) if not (ending in first and committed)
    }


def test_the_table_says_what_clients_were_seen_to_get() -> None:
    """The columns of docs/endings.md that the checks of a client stand for."""
    _, _, table = ENDINGS_DOC.read_text().partition("| what happened |")
    lines = table.partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]

    assert [(what, (before, after)) for what, before, after, *_ in cells] == [
        (ending.what, ending.client) for ending in ENDINGS
    ]


def test_no_two_cases_have_one_name() -> None:
    """The later one would take the earlier one's place, unseen."""
    assert len(CASES) == len(list(all_cases()))


def test_every_stop_reason_of_the_service_is_in_the_matrix() -> None:
    assert set(STOP_REASONS) <= set(STOP_CODES)


def test_nobody_at_the_models_address_is_unavailable(chain: Chain) -> None:
    """Connection refused: the client may try again, and the log says what was not there."""
    with unserved_port() as port:
        chain.deploy(AWS_ENDPOINT_URL_BEDROCK_RUNTIME=f"http://127.0.0.1:{port}")
        answers = [chain.ask(accept=accept) for accept in (RAW, SSE)]

    for seen in answers:
        assert (seen.status, seen.document["code"]) == (503, "model_unavailable")
        assert "retry-after" in seen.headers
        assert (seen.log["level"], seen.log["outcome"]) == ("ERROR", "failed")
        assert [cause["type"] for cause in seen.log["causes"]][:2] == ["ModelUnavailable", "EndpointConnectionError"]


def test_a_silent_model_is_white_space_where_json_has_room_and_nothing_elsewhere(chain: Chain) -> None:
    """It keeps the connection open for longer than the gateway bears silence; inside a string it would be content."""
    chain.deploy(heartbeat="0.2")
    chain.ask(GOOD)  # a cold start would be a silence too
    chain.twin.gateway.idle_limit = 2

    def be_patient(reply: Reply) -> None:
        blanks = (chunk for chunk in reply.chunks() if chunk == b" ")
        for _ in range(11):  # for as long as the gateway would have waited
            next(blanks)
        chain.bedrock.release("between tokens")

    silence = Pause(0.5)  # two heartbeats
    script: Script = [
        Fragment('{"summary": "s'),
        silence,
        Fragment('",'),
        Hold("between tokens"),
        Fragment('"keywords":[]}'),
    ]
    seen = chain.ask([*script, Stop(), USAGE], RAW, meanwhile=be_patient)

    assert (seen.status, seen.end) == (200, End.CLEAN)
    assert seen.document == {"summary": "s", "keywords": []}
    assert seen.body.startswith(b'{"summary": "s", ')


def test_a_native_schema_that_is_refused_is_asked_for_in_plain_words(chain: Chain) -> None:
    """The client sees nothing of it; the sandbox remembers, and does not try again."""
    chain.deploy(max_tokens="500")  # a sandbox that does not know yet
    chain.bedrock.refuses_output_config = [read_settings({}).model_id]
    refused = len(chain.bedrock.refusals)

    for accept in (RAW, SSE):
        seen = chain.ask(GOOD, accept)
        assert (seen.status, seen.log["outcome"], seen.log["attempts"]) == (200, "completed", 1)
        assert ["outputConfig" in call.body for call in seen.calls] == [False]
    assert len(chain.bedrock.refusals) == refused + 1


def test_an_answer_that_was_ended_early_says_how_far_it_had_come(chain: Chain) -> None:
    """Its closed values, and the tokens it had left at most, at four characters each: in the log and the record."""
    chain.deploy(max_tokens="100", publish_outcomes="invalid")
    answer = '{"summary": "short", "keywords": ["a", "b", 7,'
    seen = chain.ask([*fragments(answer, 1), Hang()], SSE)
    [published] = seen.lines("publish")

    assert seen.calls[0].closed_at is not None
    assert (seen.log["error_path"], seen.log["error_rule"]) == ("/keywords/2", "string_type")
    assert (seen.log["closed_values"], seen.log["output_tokens_estimated"]) == (3, 12)
    assert seen.log["tokens_not_awaited_at_most"] == 88
    assert published["record"]["error"] == {
        "code": "answer_invalid",
        "path": "/keywords/2",
        "rule": "string_type",
        "closedValues": 3,
        "tokensNotAwaitedAtMost": 88,
    }


def test_a_second_attempt_is_told_what_was_wrong_and_the_client_that_it_begins(chain: Chain) -> None:
    """What the client was shown is void from the ``restart`` on; where it was shown nothing, it learns of nothing."""
    chain.deploy(max_attempts="2")
    wrong: Script = [Fragment('{"summary": "'), Fragment('x", "keywords": [7,'), Hang()]
    for accept in (SSE, LINES):
        chain.bedrock.play(wrong, GOOD)
        seen = chain.ask(accept=accept)
        kinds = [event["type"] for event in seen.events if event["type"] != "delta"]
        [restart] = [event for event in seen.events if event["type"] == "restart"]

        assert kinds == ["start", "restart", "complete"]
        assert [restart["problem"][name] for name in ("code", "path")] == ["answer_invalid", "/keywords/0"]
        assert seen.events[-1]["value"] == VALUE
        assert [call.prompt for call in seen.calls] == ["Why?", f"Why?\n{REPROACH}"]
        assert (seen.log["outcome"], seen.log["attempts"]) == ("completed", 2)

    chain.bedrock.play([Fragment('{"summary": 5,'), Hang()], GOOD)
    seen = chain.ask(accept=RAW)
    assert (seen.status, seen.body.decode()) == (200, DOCUMENT)
    assert [call.prompt for call in seen.calls] == ["Why?", f"Why?\n{REPROACH.replace('/keywords/0', '/summary')}"]


def test_content_is_told_in_the_record_alone_and_only_where_it_is_captured(chain: Chain) -> None:
    """Prompt and answer, of a request that broke off as far as it came; the log line and the metric hold neither."""
    chain.deploy(capture_content="true", publish_outcomes="completed,failed")
    for script, answer in ((GOOD, VALUE), ([*DELTAS[:2], Cut()], DOCUMENT[:32])):
        seen = chain.ask(script, SSE, {"prompt": PROMPT})
        [published] = seen.lines("publish")

        assert published["record"]["content"] == {"prompt": PROMPT, "answer": answer}
        for line in (seen.log, seen.metric):
            assert CANARY not in json.dumps(line)
            assert PROMPT not in json.dumps(line)
