"""What comes out of the pipeline, in which order, and what the record says, for every way a stream can end."""

import json
import logging
import tracemalloc
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError, ValidationInfo, field_serializer

from function.contract import Outcome, Phase
from function.stream.errors import (
    AnswerError,
    AnswerInvalid,
    BodyNotJson,
    DeadlineReached,
    Internal,
    ModelBusy,
    ModelFailed,
    PrepareTimeout,
    StreamError,
)
from function.stream.events import (
    END_OF_BODY,
    Cut,
    Delta,
    Head,
    Idle,
    Ignored,
    Masked,
    Overdue,
    PacedEvent,
    Pause,
    Prepared,
    Stop,
    Thinking,
    Usage,
    Verdict,
)
from function.stream.negotiation import choose_format
from function.stream.pipeline import (
    REASON_LIMIT,
    TOGETHER_COUNT,
    TOGETHER_SIZE,
    AfterPrepare,
    Body,
    Job,
    PacedEvents,
    reject,
    run,
)
from function.stream.record import Calls, Content, PromptContent, Record, Start, unchangeable
from function.stream.stages import Stage
from tests.formats import FORMATS, LINES, RAW, SSE, STREAMED, TYPED, WHOLE
from tests.partials.hidden import CANARY, HIDDEN
from tests.partials.schemas import cut, mutated

GOOD = '{"summary":"short","keywords":["a","b"]}'
BAD = '{"summary":"short","keywords":["a",1]}'


class Answer(BaseModel):
    summary: str = Field(min_length=1)
    keywords: list[str]


Script = Iterable[PacedEvent | Exception]


class Run:
    """One request whose model plays a script, with everything that happened in one list."""

    def __init__(  # noqa: PLR0913 - the options of a request
        self,
        accept: str,
        *scripts: Script,
        stages: Sequence[Stage] = (),
        start_padding: int = 0,
        max_attempts: int = 1,
        capture_content: bool = False,
        answer: type[Any] = Answer,
        after_prepare: AfterPrepare | None = None,
    ) -> None:
        self.happened: list[object] = []
        self.asked: list[AnswerError | None] = []
        self.records: list[Record] = []
        self._scripts = iter(scripts)
        start = Start(
            id="req-1",
            model_id="model-1",
            max_tokens=100,
            elapsed=lambda: len(self.happened),
            began_at=0.0,
            calls=Calls(),
            content=Content(captured=capture_content),
        )
        job = Job(
            ask=self._ask,
            answer=answer,
            to_json=lambda value: TypeAdapter[Any](answer).dump_python(value, mode="json", warnings=False),
            encoder=choose_format(accept).encoder(start._replace(elapsed=lambda: 0)),
            start_padding=start_padding,
            max_attempts=max_attempts,
            after_prepare=None if after_prepare is None else lambda: after_prepare,
        )
        self.head, self.output = run(job, start, [*stages, self._note])
        self.happened.append(self.head)

    def _note(self, record: Record) -> None:
        self.records.append(record)
        self.happened.append(record.outcome)

    def _ask(self, previous: AnswerError | None) -> PacedEvents:
        self.asked.append(previous)
        return self._play(next(self._scripts))

    def _play(self, script: Script) -> PacedEvents:
        try:
            for step in script:
                if isinstance(step, Exception):
                    raise step
                yield step
        finally:
            self.happened.append("closed")

    def play(self) -> "Run":
        for output in self.output:
            self.happened.append(output)
        return self

    @property
    def record(self) -> Record:
        """What the stages were given, once."""
        [record] = self.records
        return record

    @property
    def body(self) -> bytes:
        return b"".join(each for each in self.happened if isinstance(each, bytes))

    @property
    def events(self) -> list[dict[str, object]]:
        """The typed events of a body in JSON Lines or SSE."""
        lines = [line.removeprefix("data: ") for line in self.body.decode().splitlines()]
        return [json.loads(line) for line in lines if line.startswith("{")]

    @property
    def problem(self) -> dict[str, object]:
        return dict(json.loads(self.body))


END = Stop("end_turn", Verdict.GOOD)


def written(*texts: str, verdict: Verdict = Verdict.GOOD) -> list[PacedEvent]:
    stop = END if verdict is Verdict.GOOD else Stop("why", verdict)
    return [*map(Delta, texts), stop, Usage(12, 80)]


def pieces(text: str, size: int = 4) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


@pytest.mark.parametrize("accept", FORMATS)
def test_a_good_answer_is_head_chunks_end_and_then_the_stages(accept: str) -> None:
    """One head, chunks, one ending; the model call is closed before the ending, the stages come after it."""
    played = Run(accept, written(*pieces(GOOD))).play()
    happened = played.happened

    assert isinstance(happened[0], Head) or accept == WHOLE
    assert played.head.status == 200
    assert happened[-2:] == [END_OF_BODY, Outcome.COMPLETED]
    assert happened.index("closed") < happened.index(END_OF_BODY)
    assert happened.count(END_OF_BODY) == 1


def test_raw_text_is_the_models_own() -> None:
    spaced = '{ "summary": "Grüße 🙂",\n "keywords": [] }\n'

    assert Run(RAW, written(*pieces(spaced, 3))).play().body == spaced.encode()


def test_raw_text_closes_only_after_the_verdict() -> None:
    """A document that looks complete is complete and valid: the last bracket comes after the stop."""
    happened = Run(RAW, written(GOOD)).play().happened

    assert happened[1:5] == [GOOD[:-1].encode(), "closed", b"}", END_OF_BODY]


@pytest.mark.parametrize("accept", TYPED)
def test_typed_events_grow_the_object(accept: str) -> None:
    events = Run(accept, written(*pieces(GOOD))).play().events

    assert [event["type"] for event in events][:2] == ["start", "delta"]
    assert events[-1] == {
        "type": "complete",
        "at": 0,
        "value": {"summary": "short", "keywords": ["a", "b"]},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 12, "outputTokens": 80},
    }


def test_whole_json_waits_for_the_verdict() -> None:
    happened = Run(WHOLE, written(*pieces(GOOD))).play().happened

    assert happened[:2] == ["closed", Head(200, {"Content-Type": WHOLE, "Cache-Control": "no-store"})]
    assert json.loads(Run(WHOLE, written(GOOD)).play().body) == {"summary": "short", "keywords": ["a", "b"]}


def paused(script: Script) -> list[PacedEvent | Exception]:
    """Return the script of a model whose every fragment comes after the one before has left."""
    steps: list[PacedEvent | Exception] = []
    for step in script:
        steps += [step, Pause()] if isinstance(step, Delta) else [step]
    return steps


def chunks(played: Run) -> list[bytes]:
    return [each for each in played.happened if isinstance(each, bytes) and each]


def test_fragments_that_are_there_already_leave_together() -> None:
    """The first one leaves at once, and nothing is held when the model has paused."""
    script = [
        Delta('{"summ'),
        Delta('ary":"'),
        Delta("a"),
        Pause(),
        Delta("b"),
        Pause(),
        *written('c"', ',"keywords":[]}'),
    ]

    assert chunks(Run(RAW, script).play()) == [b'{"summ', b'ary":"a', b"b", b'c","keywords":[]', b"}"]


def test_no_chunk_of_fragments_is_long() -> None:
    """Neither in fragments nor in bytes. One that is longer by itself leaves alone."""
    many = [Delta('{"summary":"'), *[Delta("x")] * 200]
    long = [Delta('{"summary":"'), *[Delta("x" * 6000)] * 6, Delta("y" * (TOGETHER_SIZE + 1))]

    assert max(map(len, chunks(Run(RAW, many).play())[1:])) == TOGETHER_COUNT
    assert [len(chunk) for chunk in chunks(Run(RAW, long).play())[1:]] == [
        12_000,
        6000,
        12_000,
        6000,
        TOGETHER_SIZE + 1,
    ]


@pytest.mark.parametrize("accept", STREAMED)
@pytest.mark.parametrize(
    "event", [Idle(), Overdue(), Thinking("why"), ModelFailed(), DeadlineReached(), Delta("}"), Delta("no JSON"), END]
)
def test_what_is_held_comes_before_whatever_follows(accept: str, event: PacedEvent | Exception) -> None:
    """A heartbeat, an error, an invalid value: what was valid before it has left in the same order as ever."""
    script = [*map(Delta, pieces(GOOD[:20])), event]
    together, one_by_one = Run(accept, script).play(), Run(accept, paused(script)).play()

    assert together.body == one_by_one.body
    assert together.record.outcome is one_by_one.record.outcome
    assert chunks(together)[0] == chunks(one_by_one)[0]
    assert GOOD[:16].encode() in together.body or accept != RAW


def test_what_is_held_leaves_before_more_is_read_of_prose() -> None:
    """What is read on then is only looked at for its stop, which may take its time."""
    happened: list[object] = []

    def model() -> Iterator[PacedEvent]:
        yield from map(Delta, ['{"summ', 'ary":', "Sorry"])
        happened.append("waits")
        yield END

    happened.extend(Run(RAW, model()).output)

    assert happened[:3] == [b'{"summ', b'ary":', "waits"]


def test_what_is_held_leaves_before_the_answer_is_completed() -> None:
    """Own serializers may take long."""
    happened: list[object] = []

    class Serialized(Answer):
        @field_serializer("summary")
        def noted(self, summary: str) -> str:
            happened.append("serialized")
            return summary

    happened.extend(Run(RAW, written(*pieces(GOOD, 20)), answer=Serialized).output)

    assert happened == [GOOD[:20].encode(), GOOD[20:-1].encode(), "serialized", b"}", END_OF_BODY]


def test_of_a_client_that_left_only_what_it_was_given_is_counted() -> None:
    played = Run(RAW, [*map(Delta, pieces(GOOD)), END])
    first = next(played.output)
    played.output.close()

    assert first == GOOD[:4].encode()
    assert played.record.outcome is Outcome.CANCELLED
    assert played.record.bytes == 0


def test_a_restart_comes_after_the_answer_that_it_replaces() -> None:
    script = [*map(Delta, pieces(BAD))]
    played = Run(LINES, script, written(*pieces(GOOD)), max_attempts=2).play()

    types = [event["type"] for event in played.events]
    assert {"delta"} == set(types[1 : types.index("restart")])
    assert played.body == Run(LINES, paused(script), paused(written(*pieces(GOOD))), max_attempts=2).play().body


@settings(deadline=None)
@given(data=st.data())
def test_together_or_one_by_one_the_body_is_the_same(data: st.DataObject) -> None:
    """So is the record, but for the number of chunks."""
    text = data.draw(st.sampled_from([GOOD, BAD, GOOD[:30], GOOD + " no", '{"summary":"Grüße 🙂"}', "[]"]))
    others: list[PacedEvent | Exception] = [Idle(), Overdue(), Thinking("why"), Ignored(), Pause(), ModelFailed()]
    script: list[PacedEvent | Exception] = []
    for piece in pieces(text, data.draw(st.integers(1, 9))):
        script += [Delta(piece), *data.draw(st.lists(st.sampled_from(others), max_size=2))]
    script += data.draw(st.sampled_from([[], written()]))
    accept = data.draw(st.sampled_from([*FORMATS, f"{LINES};view=snapshot"]))
    attempts = data.draw(st.integers(1, 2))

    together, one_by_one = (
        Run(accept, each, each, max_attempts=attempts, start_padding=3).play() for each in (script, paused(script))
    )

    assert together.body == one_by_one.body
    assert together.head == one_by_one.head
    assert [type(each) for each in together.happened if not isinstance(each, bytes)] == [
        type(each) for each in one_by_one.happened if not isinstance(each, bytes)
    ]
    kept = [
        (run.record.outcome, run.record.error_code, run.record.bytes, run.record.closed_values)
        for run in (together, one_by_one)
    ]
    assert kept[0] == kept[1]


@pytest.mark.parametrize("accept", FORMATS)
@pytest.mark.parametrize("error", [ModelBusy(), ModelFailed(), DeadlineReached(), RuntimeError("secret")])
def test_a_failure_before_the_head_has_its_own_status(accept: str, error: Exception) -> None:
    """A throttled model is an honest 429, not a broken 200; and nothing internal is shown."""
    played = Run(accept, [error]).play()
    expected = error if isinstance(error, StreamError) else Internal()

    assert played.head == Head(expected.status, expected.headers)
    assert played.problem == expected.as_problem("req-1")
    assert b"secret" not in played.body
    assert played.happened[-2:] == [END_OF_BODY, expected.outcome]
    assert played.record.status == expected.status


@pytest.mark.parametrize("accept", TYPED)
def test_a_failure_after_the_head_is_the_last_event(accept: str) -> None:
    played = Run(accept, [Delta('{"summary"'), ModelFailed()]).play()

    assert played.head.status == 200
    assert played.events[-1] == {"type": "error", "at": 0, "problem": ModelFailed().as_problem("req-1")}
    assert played.happened[-2:] == [END_OF_BODY, Outcome.FAILED]


def test_a_failure_in_raw_text_is_a_cut() -> None:
    played = Run(RAW, [Delta('{"summary"'), ModelFailed()]).play()

    assert isinstance(played.happened[-2], Cut)
    assert isinstance(played.happened[-2].error, ModelFailed)
    assert END_OF_BODY not in played.happened


@pytest.mark.parametrize("accept", FORMATS)
@pytest.mark.parametrize(
    ("script", "code", "outcome"),
    [
        (written(BAD), "answer_invalid", Outcome.INVALID),
        (written('{"summary":"x"}'), "answer_invalid", Outcome.INVALID),
        (written("I cannot."), "answer_not_json", Outcome.INVALID),
        (written(GOOD, " and more"), "answer_not_json", Outcome.INVALID),
        (written(GOOD[:-1]), "answer_not_json", Outcome.INVALID),
        (written(), "answer_not_json", Outcome.INVALID),
        (written(GOOD[:20], verdict=Verdict.TRUNCATED), "answer_truncated", Outcome.TRUNCATED),
        (written(GOOD, verdict=Verdict.TRUNCATED), "answer_truncated", Outcome.TRUNCATED),
        (written(GOOD[:20], verdict=Verdict.REFUSED), "answer_refused", Outcome.REFUSED),
        (written("Blocked by policy.", verdict=Verdict.REFUSED), "answer_refused", Outcome.REFUSED),
        (written(GOOD[:20], "Blocked.", verdict=Verdict.REFUSED), "answer_refused", Outcome.REFUSED),
        (written(verdict=Verdict.REFUSED), "answer_refused", Outcome.REFUSED),
        (written(GOOD, verdict=Verdict.UNKNOWN), "model_failed", Outcome.FAILED),
        ([Delta(GOOD)], "model_failed", Outcome.FAILED),
        ([], "model_failed", Outcome.FAILED),
    ],
)
def test_only_a_good_stop_and_a_valid_document_complete(
    accept: str, script: Script, code: str, outcome: Outcome
) -> None:
    """Whatever the format, the client can see it; a document that looks complete never reaches it."""
    played = Run(accept, script).play()
    last = played.happened[-2]

    assert played.record.outcome is outcome
    assert played.happened[-1] is outcome
    if isinstance(last, Cut):
        assert last.error.code == code
        with pytest.raises(json.JSONDecodeError):
            json.loads(played.body)
    elif played.head.status == 200:
        assert played.events[-1]["type"] == "error"
        assert f'"code":"{code}"' in played.body.decode()
    else:
        assert played.problem["code"] == code


def test_an_invalid_value_ends_the_model_call_at_once() -> None:
    """What the model would still have written is neither awaited nor paid for."""
    played = Run(LINES, [Delta(BAD[:20]), Delta(BAD[20:]), Delta("never read"), END]).play()

    problem = AnswerInvalid("/keywords/1", "string_type").as_problem("req-1")
    assert played.events[-1]["problem"] == problem
    assert played.record.output_tokens_estimated
    assert played.record.output_tokens_estimated <= len(BAD) // 4 + 1
    assert played.record.closed_values == 2  # the one before it in its own fragment too
    assert played.record._tokens_not_awaited == 90


def test_prose_is_read_on_only_for_a_little() -> None:
    """A guardrail's sentence ends soon; a model that goes on chatting is stopped."""
    sentences = ["No, " * 100] * 10
    played = Run(LINES, written(*sentences)).play()

    assert played.problem["code"] == "answer_not_json"
    assert played.record.output_tokens_estimated
    assert played.record.output_tokens_estimated <= (REASON_LIMIT + 800) // 4


@pytest.mark.parametrize("accept", TYPED)
def test_patience_ends_with_a_head_and_heartbeats(accept: str) -> None:
    """A model that thinks for long: the client gets its 200, and the answer when it comes."""
    played = Run(accept, [Idle(), Overdue(), Idle(), *written(GOOD)]).play()

    assert [type(each).__name__ for each in played.happened[:3]] == ["Head", "bytes", "bytes"]
    assert played.events[0]["type"] == "start"
    assert played.events[-1]["type"] == "complete"


@pytest.mark.parametrize("accept", [*TYPED, f"{LINES}; view=snapshot"])
def test_a_sign_of_thinking_begins_the_response_as_text_does(accept: str) -> None:
    """Its time is that of the model's first event, and what fails after it is an event too."""
    played = Run(accept, [Thinking(), Idle(), Thinking(), *written(GOOD)]).play()
    busy = Run(accept, [Thinking(), ModelBusy()]).play()

    assert [event["type"] for event in played.events[:3]] == ["start", "thinking", "thinking"]
    assert played.events[1] == {"type": "thinking", "at": 0}
    assert played.events[-1]["value"] == json.loads(GOOD)
    assert played.record.timings.first_event == 0
    assert [event["type"] for event in busy.events] == ["start", "thinking", "error"]
    assert (busy.head.status, busy.record.phase) == (200, Phase.MODEL)


@pytest.mark.parametrize("accept", FORMATS)
def test_an_answer_that_was_all_thinking_says_so(accept: str) -> None:
    """By a sign of it or by the service's count; without either, nothing but silence is known."""
    limit = Stop("max_tokens", Verdict.TRUNCATED)
    scripts: list[Script] = [
        [Thinking(), limit],
        [limit, Usage(1, 100, thinking_tokens=100)],
        [limit, Usage(1, 100)],
    ]
    told, counted, silent = (Run(accept, script).play() for script in scripts)
    cut_later = Run(accept, [Thinking(), Delta(GOOD[:12]), limit]).play()

    for each in (told, counted, silent, cut_later):
        assert (each.record.error_code, each.record.output_tokens_estimated) == ("answer_truncated", None)
    details = [problem_of(each).get("detail") for each in (told, counted, silent)]
    assert details == ["All of it was thinking: the model wrote nothing of its answer."] * 2 + [
        "The model wrote nothing of its answer."
    ]
    assert accept == RAW or "detail" not in problem_of(cut_later)


def problem_of(played: Run) -> dict[str, Any]:
    """Return the problem, in a response of its own or in the last event."""
    return played.problem if played.head.status != 200 else dict(played.events[-1]["problem"])  # type: ignore[call-overload]


def test_thinking_of_an_earlier_attempt_is_not_that_of_the_last() -> None:
    """The estimate of all attempts is unknown even so."""
    first: Script = [Thinking(), Delta(GOOD[:-1]), END, Usage(1, 60, thinking_tokens=50)]
    played = Run(LINES, first, [Stop("max_tokens", Verdict.TRUNCATED), Usage(1, 9)], max_attempts=2).play()

    assert problem_of(played)["detail"] == "The model wrote nothing of its answer."
    assert (played.record.attempts, played.record.output_tokens_estimated) == (2, None)


def test_an_answer_without_usage_is_estimated_unless_the_model_has_thought() -> None:
    told, thought = (Run(LINES, [*signs, Delta(GOOD), END]).play() for signs in ([], [Thinking()]))

    assert [each.events[-1].get("outputTokensEstimated", "absent") for each in (told, thought)] == [10, "absent"]


@pytest.mark.parametrize("accept", [RAW, WHOLE])
def test_a_sign_of_thinking_is_nothing_to_formats_without_events(accept: str) -> None:
    played = Run(accept, [Thinking(), *written(GOOD)]).play()
    busy = Run(accept, [Thinking(), ModelBusy()]).play()

    assert json.loads(played.body) == json.loads(GOOD)
    assert (busy.head.status, busy.problem["code"]) == (429, "model_busy")


@pytest.mark.parametrize("accept", [RAW, WHOLE])
def test_patience_ends_with_a_timeout_where_nothing_can_be_said(accept: str) -> None:
    played = Run(accept, [Idle(), Overdue(), *written(GOOD)]).play()

    assert played.problem["code"] == "model_timeout"
    assert played.head.status == 504


def test_patience_bounds_the_whole_document() -> None:
    assert Run(WHOLE, [Delta(GOOD), Overdue(), END]).play().problem["code"] == "model_timeout"


def test_raw_text_that_has_begun_has_time() -> None:
    played = Run(RAW, [Delta(GOOD[:12]), Overdue(), Idle(), *written(GOOD[12:])]).play()

    assert played.record.outcome is Outcome.COMPLETED
    assert json.loads(played.body) == json.loads(GOOD)


@pytest.mark.parametrize("accept", FORMATS)
def test_padding_is_the_first_chunk_alone(accept: str) -> None:
    happened = Run(accept, written(GOOD), start_padding=64).play().happened
    head = next(index for index, each in enumerate(happened) if isinstance(each, Head))

    first = happened[head + 1]
    assert isinstance(first, bytes)
    assert len(first) == 64


def test_a_problem_is_not_padded() -> None:
    assert Run(RAW, [ModelBusy()], start_padding=64).play().body.startswith(b"{")


@pytest.mark.parametrize("accept", FORMATS)
@pytest.mark.parametrize("taken", [1, 2, 3])
def test_a_reader_that_leaves_cancels(accept: str, taken: int) -> None:
    """The model call is closed first, then the stages run once, and know."""
    played = Run(accept, [*map(Delta, pieces(GOOD)), END])
    for _ in range(taken - 1):
        played.happened.append(next(played.output))
    played.output.close()

    assert played.record.outcome is Outcome.CANCELLED
    assert played.happened.count(Outcome.CANCELLED) == 1
    assert played.happened[-1] is Outcome.CANCELLED
    assert played.happened.count("closed") == 1


def test_an_end_that_is_not_taken_is_cancelled() -> None:
    """A request is completed when the reader has taken the last byte, not when it was offered."""
    played = Run(RAW, written(GOOD))
    while next(played.output) != END_OF_BODY:
        pass
    played.output.close()

    assert played.record.outcome is Outcome.CANCELLED


def test_a_failure_keeps_its_outcome_when_the_reader_leaves_before_learning_of_it() -> None:
    played = Run(RAW, [ModelBusy()])
    played.output.close()

    assert played.record.outcome is Outcome.FAILED
    assert played.record.chunks == 0


@pytest.mark.parametrize("accept", FORMATS)
def test_a_body_that_nobody_reads_has_begun_and_runs_the_stages_when_it_is_closed(accept: str) -> None:
    """The head may be all that a reader takes: the model call is closed, and the record is there."""
    played = Run(accept, [Delta(GOOD), *written()])
    assert played.records == []
    played.output.close()

    assert played.happened.count("closed") == 1
    assert played.happened[-1] is Outcome.CANCELLED
    assert played.record.status == 200
    assert played.record.chunks == 0


def test_a_rejection_that_nobody_reads_runs_the_stages_when_it_is_closed() -> None:
    records: list[Record] = []
    _, body = reject(BodyNotJson(), Start("req-1", "model-1", 100, lambda: 0, 0.0, Calls()), [records.append])
    assert records == []
    body.close()

    assert [record.outcome for record in records] == [Outcome.REJECTED]


def test_a_signal_before_the_head_runs_the_stages() -> None:
    """What ends the process is no failure of the answer: it passes, and the record is cancelled."""

    class Terminated(BaseException):
        pass

    def ask(_: AnswerError | None) -> PacedEvents:
        yield Idle()
        raise Terminated

    records: list[Record] = []
    start = Start("req-1", "model-1", 100, lambda: 0, 0.0, Calls())
    job = Job(ask, Answer, Answer.model_dump, choose_format(RAW).encoder(start))
    with pytest.raises(Terminated):
        run(job, start, [records.append])

    assert [record.outcome for record in records] == [Outcome.CANCELLED]


def test_a_second_answer_takes_the_place_of_an_unseen_one() -> None:
    played = Run(WHOLE, written(BAD), written(GOOD), max_attempts=2).play()

    assert json.loads(played.body) == json.loads(GOOD)
    assert [getattr(error, "path", None) for error in played.asked] == [None, "/keywords/1"]
    assert played.record.attempts == 2
    assert played.record.usage == Usage(12, 80)


def test_of_two_usages_of_one_answer_the_last_counts() -> None:
    """Those of several answers are added up."""
    twice = [*written(GOOD), Usage(1, 2)]
    assert Run(WHOLE, twice).play().record.usage == Usage(1, 2)
    assert Run(WHOLE, written(BAD), twice, max_attempts=2).play().record.usage == Usage(1, 2)
    late = [*written('{"summary": "x"'), Usage(3, 4)]
    assert Run(WHOLE, late, twice, max_attempts=2).play().record.usage == Usage(4, 6)
    assert Run(WHOLE, late, [Delta(GOOD), END], max_attempts=2).play().record.usage == Usage(3, 4)


def test_counts_that_only_some_answers_have_are_added_up() -> None:
    """Only the second answer was read from the cache, and neither reports its thinking."""
    first = [*written('{"summary": "x"'), Usage(3, 4, 0, 4100)]
    second = [*written(GOOD), Usage(1, 2, 4100)]

    assert Run(WHOLE, first, second, max_attempts=2).play().record.usage == Usage(4, 6, 4100, 4100)


REFUSED = Stop("guardrail_intervened", Verdict.REFUSED)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [(GOOD, Outcome.COMPLETED), (GOOD[:-1], Outcome.INVALID), ("Sorry.", Outcome.INVALID), (BAD, Outcome.INVALID)],
)
def test_an_answer_that_was_only_masked_is_judged_like_any_other(text: str, outcome: Outcome) -> None:
    played = Run(WHOLE, [Delta(text), REFUSED, Usage(12, 80), Masked()]).play()

    assert played.record.outcome is outcome
    assert outcome is Outcome.INVALID or played.record.stop_reason == "guardrail_intervened"
    assert Run(WHOLE, [Delta(GOOD), REFUSED, Usage(12, 80)]).play().record.outcome is Outcome.REFUSED


def test_what_is_left_out_is_counted_and_changes_nothing() -> None:
    [text, end, usage] = written(GOOD)
    played = Run(LINES, [Ignored(), text, Ignored(), end, Ignored(), usage, Ignored()]).play()

    assert played.body == Run(LINES, written(GOOD)).play().body
    assert played.record._ignored_events == 4
    assert played.record.usage == Usage(12, 80)


@pytest.mark.parametrize("accept", TYPED)
def test_a_second_answer_is_announced_where_the_first_was_seen(accept: str) -> None:
    events = Run(accept, written(BAD[:10], BAD[10:]), written(GOOD), max_attempts=2).play().events
    types = [event["type"] for event in events]

    assert types == ["start", "delta", "restart", "delta", "complete"]
    assert events[2]["problem"] == AnswerInvalid("/keywords/1", "string_type").as_problem("req-1")


def test_raw_text_that_was_seen_is_not_answered_twice() -> None:
    played = Run(RAW, written(BAD[:10], BAD[10:]), written(GOOD), max_attempts=2).play()

    assert played.record.outcome is Outcome.INVALID
    assert len(played.asked) == 1


def test_raw_text_that_was_not_seen_may_be_answered_again() -> None:
    """What was withheld of the first answer is forgotten."""
    assert Run(RAW, written("12"), written(GOOD), max_attempts=2).play().body == GOOD.encode()


@pytest.mark.parametrize("verdict", [Verdict.TRUNCATED, Verdict.REFUSED])
def test_a_second_answer_would_not_help_everything(verdict: Verdict) -> None:
    assert len(Run(WHOLE, written(GOOD[:9], verdict=verdict), written(GOOD), max_attempts=2).play().asked) == 1


def test_the_last_attempt_decides() -> None:
    played = Run(WHOLE, written(BAD), written(BAD), written(BAD), max_attempts=3).play()

    assert len(played.asked) == 3
    assert played.problem["code"] == "answer_invalid"


@pytest.mark.parametrize("accept", FORMATS)
def test_a_failing_stage_changes_nothing(accept: str, caplog: pytest.LogCaptureFixture) -> None:
    """The client has everything, the stages after it run, and the log has the failure but not its words."""

    def stage(record: Record) -> None:
        raise RuntimeError("secret of " + record.request_id)

    with caplog.at_level(logging.ERROR):
        played = Run(accept, written(GOOD), stages=[stage, stage]).play()

    assert played.happened[-1] is Outcome.COMPLETED
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


def test_the_record_has_what_was_counted() -> None:
    record = Run(LINES, written(*pieces(GOOD)), capture_content=True).play().record

    assert record.usage == Usage(12, 80)
    assert record.stop_reason == "end_turn"
    assert record.answer == unchangeable(json.loads(GOOD))
    assert record.output_tokens_estimated == 10
    times = record.timings
    assert times.first_event is not None
    assert times.first_chunk is not None
    assert times.last_chunk is not None
    assert times.first_event <= times.first_chunk < times.last_chunk <= times.total


def test_the_record_counts_what_the_client_was_given() -> None:
    played = Run(LINES, written(*pieces(GOOD))).play()

    assert played.record.bytes == len(played.body)
    assert played.record.chunks == sum(isinstance(each, bytes) for each in played.happened) - 1


def test_the_record_holds_no_content_unless_it_is_captured() -> None:
    record = Run(LINES, written(*pieces(GOOD))).play().record

    assert record.answer is None


def test_an_answer_that_broke_off_is_kept_as_text() -> None:
    """Of several attempts it is the last one's."""
    script: Script = [*map(Delta, pieces(GOOD[:20])), ModelFailed()]
    record = Run(WHOLE, written(BAD), script, max_attempts=2, capture_content=True).play().record

    assert record.answer == GOOD[:20]


@pytest.mark.parametrize("name", ["outcome", "status", "answer", "_start"])
def test_a_stage_cannot_change_a_record(name: str) -> None:
    """What one stage does is nothing that another can see."""
    with pytest.raises(AttributeError):
        setattr(Run(LINES, written(GOOD)).play().record, name, None)


def test_a_rejected_request_is_a_problem_and_one_record() -> None:
    records: list[Record] = []
    start = Start("req-1", "model-1", 100, lambda: 0, 0.0, Calls())
    head, body = reject(BodyNotJson(), start, [records.append])
    chunk, *rest = body

    assert head == Head(400, BodyNotJson().headers)
    assert isinstance(chunk, bytes)
    assert json.loads(chunk) == BodyNotJson().as_problem("req-1")
    assert rest == [END_OF_BODY]
    [record] = records
    assert (record.outcome, record.status, record.bytes) == (Outcome.REJECTED, 400, len(chunk))
    assert record._start is start


def _bodies() -> list[Callable[[], Body]]:
    return [
        lambda: Run(RAW, written(GOOD)).output,
        lambda: Run(RAW, [ModelBusy()]).output,
        lambda: Run(LINES, [Delta("{"), ModelFailed()]).output,
        lambda: Run(RAW, [Delta("{"), ModelFailed()]).output,
    ]


@pytest.mark.parametrize("make", _bodies())
def test_no_chunk_is_empty_before_the_end(make: Callable[[], Body]) -> None:
    """The empty chunk is the end of the body, so nothing else may be empty."""
    *before, last = make()

    assert b"" not in before
    assert last == END_OF_BODY or isinstance(last, Cut)


@pytest.mark.slow
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_no_canary_in_a_hidden_field_is_in_any_byte_of_any_format(data: st.DataObject) -> None:
    """Cut anywhere, whole or broken off, valid or with mistakes, with snapshots and in a second attempt."""
    type_, document, _ = data.draw(st.sampled_from(HIDDEN))
    accept = data.draw(
        st.sampled_from([LINES, SSE, WHOLE, f"{LINES}; view=snapshot", f"{SSE}; view=snapshot"]), "format"
    )
    if data.draw(st.booleans(), "with a mistake"):
        document = mutated(data.draw, document)
    text = json.dumps(document)
    text = text[: data.draw(st.integers(1, len(text)), "length")]
    assume(not _shown_in_the_end(type_, text))
    script = written(*cut(data.draw, text))

    played = Run(accept, script, script, answer=type_, max_attempts=2).play()

    assert CANARY.encode() not in played.body


def _shown_in_the_end(type_: Any, text: str) -> bool:
    """Tell whether Pydantic decided for a member of a union that shows the field: then it is not a hidden one."""
    adapter = TypeAdapter[Any](type_)
    try:
        return CANARY.encode() in adapter.dump_json(adapter.validate_json(text))
    except ValidationError:
        return False


def _repeated(prefix: str, item: str) -> str:
    """Return a document of 64 KB: one array, whose key brings its path near to the limit."""
    item += ","
    return f'{{"{prefix}":[{item * ((64_000 - len(prefix.encode())) // len(item.encode()))}0]}}'


COSTLY = {
    "numbers": _repeated("k" * 504, "1"),
    "strings": _repeated("k" * 504, '""'),
    "arrays": _repeated("k" * 504, "[]"),
    "objects": _repeated("k" * 504, "{}"),
    "pairs": _repeated("k" * 500, "[[]]"),
    "nests": _repeated("k" * 490, "[[[[[[]]]]]]"),
    "deep": _repeated("k" * 110, "[" * 198 + "]" * 198),
    "escapes": _repeated("\u2028" * 84, "[]"),
    "keys": "{" + ",".join(f'"{number}":[]' for number in range(6_000)) + "}",
}


@pytest.mark.slow
@pytest.mark.parametrize(("accept", "size"), [(LINES, 10_000_000), (SSE, 3)])
@pytest.mark.parametrize("document", COSTLY.values(), ids=COSTLY)
def test_all_deltas_together_are_linear_in_the_document(document: str, accept: str, size: int) -> None:
    """At most 400 times its bytes, and 700 for each fragment."""
    document = document if size > 100 else _ended(document[:900])
    texts = pieces(document, size)

    played = Run(accept, written(*texts), answer=dict[str, Any]).play()

    assert played.record.outcome is Outcome.COMPLETED
    deltas = [line for line in played.body.split(b"\n") if b'"type":"delta"' in line]
    assert sum(map(len, deltas)) <= 400 * len(document.encode()) + 700 * len(texts)


def _ended(beginning: str) -> str:
    """End a document at the last item that is whole."""
    return beginning[: beginning.rindex(",")] + ("]}" if beginning.count('":[') == 1 else "}")


@pytest.mark.slow
@pytest.mark.parametrize("accept", [RAW, LINES, WHOLE, f"{LINES}; view=snapshot"])
@pytest.mark.parametrize("document", [COSTLY["arrays"], _repeated("k" * 20_000, "1")], ids=["arrays", "long key"])
def test_a_fragment_of_64_kilobytes_takes_less_than_100_megabytes(document: str, accept: str) -> None:
    tracemalloc.start()
    Run(accept, written(document), answer=dict[str, Any]).play()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 100_000_000


@pytest.mark.parametrize("accept", FORMATS)
def test_only_formats_that_carry_paths_refuse_a_long_one(accept: str) -> None:
    document = json.dumps({"k" * 600: {"a": [1]}})

    played = Run(accept, written(*pieces(document, 50)), answer=dict[str, Any]).play()

    if accept in {RAW, WHOLE}:
        assert json.loads(played.body) == json.loads(document)
    else:
        problem: Any = played.events[-1]["problem"]
        assert (problem["status"], problem["code"], problem["rule"]) == (502, "answer_invalid", "path_too_long")
        assert problem["path"] == "/" + "k" * 511


@pytest.mark.parametrize("accept", [RAW, WHOLE])
def test_a_mistake_below_a_long_path_is_named_by_the_beginning_of_the_path(accept: str) -> None:
    document = json.dumps({"k" * 600: {"l" * 600: ["x"]}})

    played = Run(accept, written(document), answer=dict[str, dict[str, list[int]]]).play()

    assert played.problem["path"] == "/" + "k" * 511
    assert played.problem["rule"] == "int_parsing"


AFTER_PREPARE = AfterPrepare(
    Start("req-1", "model-1", 100, lambda: 7, 0.0, Calls(), prompt=PromptContent("made")),
    context="context",
)


def test_the_prompt_that_own_code_makes_is_in_the_record_and_its_context_in_every_validation() -> None:
    seen: list[object] = []

    def note(value: str, info: ValidationInfo) -> str:
        seen.append(info.context)
        return value

    class Noting(BaseModel):
        word: Annotated[str, AfterValidator(note)]

    played = Run(
        LINES, [Idle(), Prepared(), *written('{"word": "a"}')], answer=Noting, after_prepare=AFTER_PREPARE
    ).play()
    assert played.record.outcome is Outcome.COMPLETED
    assert played.record._start.prompt == PromptContent("made")
    assert played.record.timings.prepare is not None
    assert set(seen) == {"context"}


@pytest.mark.parametrize(
    ("script", "phase", "attempts"),
    [
        ([DeadlineReached()], Phase.PREPARE, 0),
        ([Idle(), PrepareTimeout()], Phase.PREPARE, 0),
        ([Prepared(), ModelBusy()], Phase.MODEL, 1),
        ([Prepared(), Delta("{"), ModelFailed()], Phase.ANSWER, 1),
    ],
)
def test_the_record_says_how_far_a_request_came(script: Script, phase: Phase, attempts: int) -> None:
    record = Run(WHOLE, script, after_prepare=AFTER_PREPARE).play().record
    assert (record.phase, record.attempts) == (phase, attempts)
    assert record.timings.prepare is not None


def test_without_prepare_a_request_waits_for_the_model_from_the_start() -> None:
    record = Run(WHOLE, [ModelBusy()]).play().record
    assert (record.phase, record.timings.prepare) == (Phase.MODEL, None)


@pytest.mark.parametrize("accept", [RAW, WHOLE])
def test_a_client_that_cannot_wait_for_the_prompt_learns_what_it_waited_for(accept: str) -> None:
    played = Run(accept, [Overdue()], after_prepare=AFTER_PREPARE).play()
    assert isinstance(played.record._error, PrepareTimeout)
    assert played.head.status == 504


@pytest.mark.parametrize("accept", TYPED)
def test_events_begin_before_the_prompt_is_made_and_its_failure_is_the_last_one(accept: str) -> None:
    played = Run(accept, [Overdue(), PrepareTimeout()], after_prepare=AFTER_PREPARE).play()
    assert played.head.status == 200
    assert b"prepare_timeout" in b"".join(each for each in played.happened if isinstance(each, bytes))


class Large:
    """What a prompt could hold."""


@pytest.mark.parametrize("script", [[Prepared(), *written(GOOD)], [Prepared(), Delta(BAD)], [DeadlineReached()]])
def test_the_prompt_is_let_go_before_the_stages(script: Script) -> None:
    large = Large()
    alive = weakref.ref(large)
    seen: list[object] = []
    known = AFTER_PREPARE._replace(context=large)
    played = Run(WHOLE, script, after_prepare=known, stages=[lambda _: seen.append(alive())])
    del large, known
    played.play()
    assert seen == [None]
