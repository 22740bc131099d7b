"""Endings with models that follow the first one: each failure, before and after the first delta, in every format.

The function runs in this process, and its models are calls of the local Bedrock. Time passes only while one is held.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from queue import Empty
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

import pytest

from function.aws.gateway import Response
from function.contract import Outcome
from function.stream.events import Cut
from function.stream.pacing import Handover, Incoming, SystemClock
from function.stream.record import Record
from local.bedrock.call import Call
from local.bedrock.script import Fragment, Hang, Hold, Open, Refuse, Step
from local.bedrock.server import Bedrock
from tests.formats import FORMATS, LINES, RAW, SSE, TYPED, WHOLE
from tests.wire.chain import Script
from tests.wire.endings_table import BY_CODE, GOOD, PLACES, VALUE
from tests.wire.fallback_table import AFTER, BEFORE, FAILURES, Failure

if TYPE_CHECKING:
    from function.handler import Function

T = TypeVar("T")
MODELS: Final = (
    "anthropic.claude-haiku-4-5-20251001-v1:0",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-opus-4-5-20251101-v1:0",
)
EARLY: Final = "early"
"""A response that begins before the model has answered."""
TIMELY: Final = "timely"
WAYS: Final = [(accept, TIMELY) for accept in FORMATS] + [(accept, EARLY) for accept in TYPED]


class HeldClock(SystemClock):
    """A clock that stands still, except while a model is held: then it jumps to the end of each wait."""

    def __init__(self) -> None:
        self.time = 0.0
        self.is_held = threading.Event()
        self.calls_begun = 0
        """The calls of this request that have reached the local Bedrock."""
        self._is_still = False
        self._handovers: list[object] = []

    def begin(self) -> None:
        """Begin another request."""
        self.calls_begun = 0
        self._handovers.clear()

    def now(self) -> float:
        return self.time

    def wait(self, incoming: Incoming[T], seconds: float) -> T:
        if isinstance(incoming, Handover) and incoming not in self._handovers:
            self._handovers.append(incoming)
        while True:
            held = self.is_held.is_set() and self.calls_begun == len(self._handovers)
            try:
                item = incoming.get(0 if held and self._is_still else 0.01)
            except Empty:
                self._is_still = held
                if held:
                    self.time += seconds
                    raise
            else:
                self._is_still = False
                return item


class Context:
    """What the handler reads of a Lambda context."""

    aws_request_id = "invocation-1"
    function_name = "f"

    def get_remaining_time_in_millis(self) -> int:
        return 120_000


@dataclass
class Answered:
    """What a request led to."""

    status: int
    body: bytes
    is_cut: bool
    record: Record
    calls: Sequence[Call]

    @property
    def asked(self) -> list[str]:
        """The models that were called, in order."""
        return [call.model_id for call in self.calls]

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = [line.removeprefix("data: ") for line in self.body.decode().splitlines()]
        return [json.loads(line) for line in lines if line.startswith("{")]


class Sandbox:
    """A function with several models. For each request it is as if no model had failed recently."""

    def __init__(self, bedrock: Bedrock, models: Sequence[str], **settings: str) -> None:
        given = {"model_id": models[0], "fallback_models": ",".join(models[1:]), "structured_output": "prompt"}
        variables = {f"LLM_{name.upper()}": value for name, value in {**given, **settings}.items()}
        self.clock = HeldClock()
        self.bedrock = bedrock
        self.function: Function = import_module("function.handler").Function(
            {**variables, "AWS_LAMBDA_FUNCTION_NAME": f"function-{uuid4()}"}, self.clock
        )
        self._records: list[Record] = []
        self.function.shared.stages.append(self._records.append)

    def ask(self, accept: str, *scripts: Script, way: str = TIMELY, forget: bool = True) -> Answered:
        """Send a request. Each call gets one of the scripts, in order; the last one stays for those that follow.

        With ``EARLY``, the model is held at the gate of its script until the response has begun.
        """
        self.clock.time += 60 if forget else 0
        self.clock.begin()
        gate, began = str(uuid4()), len(self.bedrock.calls)
        waiting = deque([[Hold(gate) if isinstance(step, Hold) else step for step in script] for script in scripts])
        self.bedrock.answer = lambda _: self._steps(waiting.popleft() if len(waiting) > 1 else waiting[0])
        event = {
            "resource": "/stream",
            "httpMethod": "POST",
            "headers": {"Accept": accept},
            "body": json.dumps({"prompt": 5000 * "x "}),
            "requestContext": {"requestId": "gateway-1"},
        }
        response = self.function.handle(event, Context())
        if way == EARLY:
            self.let_go(gate)
        answered = self._answered(response, began)
        self.let_go(gate)
        return answered

    def let_go(self, gate: str) -> None:
        self.clock.is_held.clear()
        self.bedrock.release(gate)

    def _answered(self, response: Response, began: int) -> Answered:
        chunks = list(response.body)
        body = b"".join(chunk for chunk in chunks if not isinstance(chunk, Cut))
        is_cut = any(isinstance(chunk, Cut) for chunk in chunks)
        return Answered(response.status, body, is_cut, self._records.pop(), self.bedrock.calls[began:])

    def _steps(self, script: Script) -> Iterator[Step]:
        self.clock.is_held.clear()
        self.clock.calls_begun += 1
        for step in script:
            if isinstance(step, Hold):
                self.clock.is_held.set()
            yield step

    def close(self) -> None:
        self.function.shared.client.close()


@pytest.fixture(scope="module")
def shared_bedrock() -> Iterator[Bedrock]:
    with Bedrock() as bedrock:
        yield bedrock
        assert not bedrock.mistakes


@pytest.fixture(autouse=True, scope="module")
def environment(shared_bedrock: Bedrock) -> Iterator[None]:
    """What Lambda sets, and the way to the stand-in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", shared_bedrock.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        patch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
        yield


@pytest.fixture(scope="module")
def sandboxes(shared_bedrock: Bedrock, environment: None) -> Iterator[Mapping[int, Sandbox]]:  # noqa: ARG001 - first
    """A sandbox with one fallback model, and one with two."""
    made = {
        number: Sandbox(shared_bedrock, MODELS[: number + 1], fallback_after="5", head_within="2") for number in (1, 2)
    }
    yield made
    for sandbox in made.values():
        sandbox.close()


def check_answer(answered: Answered, accept: str, way: str, asked: Sequence[str]) -> None:
    """Check that the last model that was called has answered, and that events and record name it."""
    assert (answered.status, answered.is_cut, answered.asked) == (200, False, list(asked))
    if accept in TYPED:
        start, last = answered.events[0], answered.events[-1]
        assert (last["type"], last["value"], last["model"]) == ("complete", VALUE, asked[-1])
        assert start["type"] == "start"
        assert start.get("model") == (None if way == EARLY else asked[-1])
    else:
        assert json.loads(answered.body) == VALUE
    record = answered.record
    assert (record.outcome, record.model, record.calls) == (Outcome.COMPLETED, asked[-1], len(asked))
    assert [failure.model_id for failure in record._failures] == list(asked[:-1])


def check_failure(answered: Answered, accept: str, way: str, code: str, asked: Sequence[str]) -> None:
    """Check that the client gets the problem, and that an event names the model that was called last."""
    assert answered.asked == list(asked)
    has_begun = way == EARLY
    if not has_begun:
        assert answered.status == BY_CODE[code].status
        assert json.loads(answered.body)["code"] == code
    elif accept in TYPED:
        last = answered.events[-1]
        assert (last["type"], last["problem"]["code"], last["model"]) == ("error", code, asked[-1])
    else:
        assert answered.is_cut
    record = answered.record
    assert (record.error_code, record.model, record.calls) == (code, asked[-1], len(asked))


def failing(failure: Failure, *, of_each_kind: int | None = None) -> Iterator[tuple[Script, Script]]:
    """Yield what a model does before its answer begins: the steps before its failure, and those of the failure."""
    yield from (([], script) for script in list(failure.refused.values())[:of_each_kind])
    for what, script in list(failure.broken.items())[:of_each_kind]:
        for place in BEFORE:
            is_other_failure = place == "before the headers" and what in {"cut", "reset"}
            if not is_other_failure:
                yield PLACES[place], script


@pytest.mark.parametrize("fallbacks", [1, 2])
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.what)
def test_before_an_answer_begins_another_model_answers_or_the_failure_is_final(
    sandboxes: Mapping[int, Sandbox], failure: Failure, fallbacks: int
) -> None:
    """In every format, also if the response has already begun, but has nothing of an answer."""
    sandbox, models = sandboxes[fallbacks], MODELS[: fallbacks + 1]
    for before, script in failing(failure, of_each_kind=None if fallbacks == 1 else 1):
        for accept, way in WAYS:
            held = [Hold("")] if way == EARLY else []
            first = [*before, *held, *script]
            others = [[*before, *script]] * (fallbacks - 1)
            answered = sandbox.ask(accept, first, *others, GOOD, way=way)
            if failure.is_followed:
                check_answer(answered, accept, way, models)
            else:
                check_failure(answered, accept, way, failure.code, models[:1])


@pytest.mark.parametrize("fallbacks", [1, 2])
@pytest.mark.parametrize("failure", [each for each in FAILURES if each.is_followed], ids=lambda failure: failure.what)
def test_if_all_models_fail_the_error_is_that_of_the_first(
    sandboxes: Mapping[int, Sandbox], failure: Failure, fallbacks: int
) -> None:
    sandbox, models = sandboxes[fallbacks], MODELS[: fallbacks + 1]
    refusal: Script = [Refuse("ModelNotReadyException" if failure.code == "model_busy" else "ThrottlingException")]
    for before, script in failing(failure, of_each_kind=1):
        for accept, way in WAYS:
            held = [Hold("")] if way == EARLY else []
            answered = sandbox.ask(accept, [*before, *held, *script], refusal, way=way)
            check_failure(answered, accept, way, failure.code, models)


@pytest.mark.parametrize("fallbacks", [1, 2])
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.what)
def test_after_an_answer_has_begun_no_other_model_is_called(
    sandboxes: Mapping[int, Sandbox], failure: Failure, fallbacks: int
) -> None:
    """Thinking is a part of the answer too, whether or not the client's format shows it."""
    for number, script in enumerate(list(failure.broken.values())[: None if fallbacks == 1 else 1]):
        for place in AFTER if number == 0 else AFTER[:2]:
            for accept, way in WAYS:
                held = [Hold("")] if way == EARLY else []
                answered = sandboxes[fallbacks].ask(accept, [*held, *PLACES[place], *script], GOOD, way=way)
                shows_nothing = accept == WHOLE or (accept == RAW and place == "after reasoning")
                check_failure(answered, accept, TIMELY if shows_nothing else EARLY, failure.code, MODELS[:1])
                if accept in TYPED:
                    assert answered.events[0].get("model") == (None if way == EARLY else MODELS[0])


@pytest.mark.parametrize("fallbacks", [1, 2])
def test_a_model_that_sends_nothing_is_given_up_and_its_call_is_closed_with_its_headers(
    sandboxes: Mapping[int, Sandbox], fallbacks: int
) -> None:
    """Neither a heartbeat nor the beginning of the response is a sign of the model. The abandoned call is counted."""
    sandbox, models = sandboxes[fallbacks], MODELS[: fallbacks + 1]
    silent: Script = [Hold(""), Open(), Fragment("{"), Hang()]
    for accept in FORMATS:
        answered = sandbox.ask(accept, *[silent] * fallbacks, GOOD)
        check_answer(answered, accept, EARLY if accept in TYPED else TIMELY, models)
        for call in answered.calls[:-1]:
            assert call.ended.wait(10)
            assert call.closed_at is not None
    answered = sandbox.ask(RAW, silent, [Refuse("ThrottlingException")])
    check_failure(answered, RAW, TIMELY, "model_timeout", models)


def test_a_model_whose_stream_has_begun_is_not_given_up(sandboxes: Mapping[int, Sandbox]) -> None:
    """However long it is silent then: it may think."""
    for accept in TYPED:
        answered = sandboxes[1].ask(accept, [Open(), Hold(""), *GOOD], GOOD, way=EARLY)
        check_answer(answered, accept, EARLY, MODELS[:1])


def test_the_deadline_is_shared(sandboxes: Mapping[int, Sandbox]) -> None:
    answered = sandboxes[1].ask(WHOLE, [Hold("")], [Hold("")])
    check_failure(answered, WHOLE, TIMELY, "deadline_reached", MODELS[:2])


@pytest.fixture
def make(shared_bedrock: Bedrock, environment: None) -> Iterator[Callable[..., Sandbox]]:  # noqa: ARG001 - first
    """Makes a sandbox with settings of its own."""
    made: list[Sandbox] = []

    def sandbox(**settings: str) -> Sandbox:
        made.append(Sandbox(shared_bedrock, MODELS[:2], **settings))
        return made[-1]

    yield sandbox
    shared_bedrock.refuses_output_config = ()
    for each in made:
        each.close()


BUSY: Final[Script] = [Refuse("ThrottlingException")]
WRONG: Final[Script] = [Fragment('{"summary": "x"'), Fragment(', "keywords": [7,'), Hang()]


def test_a_model_that_has_failed_is_not_asked_first_by_the_next_request(sandboxes: Mapping[int, Sandbox]) -> None:
    """Nor by one of another route, because the sandbox remembers it. After half a minute it is asked first again."""
    sandbox = sandboxes[1]
    assert sandbox.ask(RAW, BUSY, GOOD).asked == list(MODELS[:2])
    assert sandbox.ask(RAW, GOOD, forget=False).asked == [MODELS[1]]
    assert sandbox.ask(RAW, BUSY, GOOD, forget=False).asked == [MODELS[1], MODELS[0]]
    assert sandbox.ask(RAW, GOOD).asked == [MODELS[0]]


def test_a_second_answer_is_asked_of_the_model_that_wrote_the_first(make: Callable[..., Sandbox]) -> None:
    """If that model fails meanwhile, another one is asked. The last event names the model whose answer is complete."""
    sandbox = make(max_attempts="2")
    answered = sandbox.ask(LINES, BUSY, WRONG, GOOD)
    assert answered.asked == [MODELS[0], MODELS[1], MODELS[1]]
    assert [event["type"] for event in answered.events if event["type"] != "delta"] == ["start", "restart", "complete"]
    assert (answered.record.attempts, answered.events[-1]["model"]) == (2, MODELS[1])

    answered = sandbox.ask(SSE, WRONG, BUSY, GOOD)
    assert answered.asked == [MODELS[0], MODELS[0], MODELS[1]]
    assert (answered.events[0]["model"], answered.events[-1]["model"]) == MODELS[:2]
    assert "broke the rule" in answered.calls[-1].prompt


def test_a_prompt_is_prepared_once_for_all_models(make: Callable[..., Sandbox]) -> None:
    sandbox = make(prepare="tests.wire.prepared:prepare", request="tests.wire.prepared:Request")
    answered = sandbox.ask(SSE, BUSY, GOOD)
    check_answer(answered, SSE, TIMELY, MODELS[:2])
    assert len({call.prompt for call in answered.calls}) == 1
    assert answered.record.timings.prepare is not None


def test_each_model_has_the_form_that_it_accepts_and_keeps_it(make: Callable[..., Sandbox]) -> None:
    """A call in another form is another call of the same model."""
    sandbox = make(structured_output="auto")
    sandbox.bedrock.refuses_output_config = [MODELS[1]]
    answered = sandbox.ask(RAW, BUSY, GOOD)
    assert ["outputConfig" in call.body for call in answered.calls] == [True, False]
    assert answered.record.calls == 3

    answered = sandbox.ask(RAW, BUSY, GOOD)
    assert answered.record.calls == 2
    assert ["outputConfig" in call.body for call in answered.calls] == [True, False]


def test_a_request_is_made_for_the_model_that_gets_it(make: Callable[..., Sandbox]) -> None:
    """The stand-in would refuse a temperature for this model, and the limit is that of a model that thinks."""
    opus = "anthropic.claude-opus-5-5"
    sandbox = make(fallback_models=opus, temperature="0.2")
    answered = sandbox.ask(RAW, BUSY, GOOD)
    assert answered.asked == [MODELS[0], opus]
    assert [call.body["inferenceConfig"] for call in answered.calls] == [
        {"maxTokens": 2000, "temperature": 0.2},
        {"maxTokens": 8000},
    ]
    assert answered.record._start.most_tokens == 8000
