"""The endpoint in one process: what it is made of at start, and what it makes of an event."""

import gc
import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Protocol, TypeVar
from uuid import uuid4

import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationInfo, computed_field, field_validator

from function.aws.gateway import Response
from function.contract import SettingsError
from function.endpoint import Image, Message, Prompt
from function.stream.events import Cut
from function.stream.pacing import Clock, Incoming, SystemClock
from local.bedrock.script import Cut as CutStep
from local.bedrock.script import Fail, Fragment, Hang, Refuse, Step, Stop, complete_answer
from local.bedrock.server import Bedrock
from local.http11.server import Exchange, Server
from tests.media_files import png

if TYPE_CHECKING:
    from function.handler import Function

T = TypeVar("T")
DOCUMENT = '{"summary": "s", "keywords": []}'


@pytest.fixture(autouse=True)
def environment(bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Lambda sets, and the way to the stand-in."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)


class Context:
    """What the handler reads of a Lambda context."""

    aws_request_id = "invocation-1"
    function_name = "f"

    def get_remaining_time_in_millis(self) -> int:
        return 120_000


class StoppedClock(SystemClock):
    """A clock that jumps to the end of every wait in which nothing comes."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def wait(self, incoming: Incoming[T], seconds: float) -> T:
        try:
            return incoming.get(0.3)
        except Empty:
            self.time += seconds
            raise


class Make(Protocol):
    """Makes an endpoint from variables."""

    def __call__(self, variables: dict[str, str], clock: Clock | None = None) -> "Function": ...


@pytest.fixture
def make() -> Iterator[Make]:
    """The module makes an endpoint of its own when it is imported: import it when the environment is ready."""
    module = import_module("function.handler")
    made: list[Function] = []

    def endpoint(variables: dict[str, str], clock: Clock | None = None) -> "Function":
        name = f"function-{uuid4()}"  # a logger of the same name would write where an earlier test's did
        named = {**variables, "AWS_LAMBDA_FUNCTION_NAME": name}
        made.append(module.Function(named, clock or SystemClock()))
        return made[-1]

    yield endpoint
    for each in made:
        each.shared.client.close()  # its connections would live as long as the process


@pytest.fixture
def endpoint(make: Make) -> "Function":
    return make({})


Event = dict[str, object]


def event(**members: object) -> Event:
    context = {"requestId": "gateway-1", "requestTimeEpoch": int(time.time() * 1000)}
    return {
        "resource": "/stream",
        "httpMethod": "POST",
        "headers": {},
        "body": None,
        "requestContext": context,
    } | members


def body(response: Response) -> bytes:
    return b"".join(chunk for chunk in response.body if not isinstance(chunk, Cut))


def test_an_event_becomes_a_response_that_streams(endpoint: "Function", bedrock: Bedrock) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    response = endpoint.handle(event(), Context())

    assert response.status == 200
    assert response.headers["X-Request-Id"] == "invocation-1"
    assert list(response.headers.items())[-1] == ("X-Content-Type-Options", "nosniff")  # whichever host sends them
    assert body(response).decode() == DOCUMENT


def left_behind(act: Callable[[], None]) -> list[str]:
    """Return the exceptions of ``act`` that counting references does not free."""
    gc.freeze()  # what was there before is nothing of it
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        act()
        gc.collect()
        return [type(each).__name__ for each in gc.garbage if issubclass(type(each), BaseException)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "members"),
    [
        ([Refuse("AccessDeniedException")], {}),
        ([Fragment("{"), Fail("modelStreamErrorException")], {}),
        ([Fragment("{"), Stop("max_tokens")], {}),
        ([Fragment('{"summary": x')], {}),
        ([Fragment('{"summary": 5')], {}),
        ([Fragment('{"summary": 5,'), Hang()], {}),
        ([Fragment(DOCUMENT), Stop(), CutStep()], {}),
        ([Fragment("{")], {}),
        ([], {"body": "[]"}),
        ([], {"body": "{"}),
        ([], {"headers": {"accept": "image/png"}}),
    ],
    ids=repr,
)
def test_a_request_that_failed_leaves_nothing_to_the_collector(
    make: Make, bedrock: Bedrock, steps: list[Step], members: Event
) -> None:
    """A warm sandbox would keep prompt, answer and frames until the next collection, perhaps many requests later."""
    endpoint = make({"LLM_MAX_ATTEMPTS": "2"})

    def ask() -> None:
        body(endpoint.handle(event(**members), Context()))

    bedrock.play(steps)
    ask()  # the first request makes what all of them share

    assert left_behind(ask) == []


@pytest.mark.slow
@pytest.mark.parametrize("last", [complete_answer(DOCUMENT), [Refuse("ServiceUnavailableException")]])
def test_a_model_in_whose_place_another_was_called_leaves_nothing_behind(
    make: Make, bedrock: Bedrock, last: Sequence[Step]
) -> None:
    """Neither where the other one answers nor where it fails too."""
    endpoint = make({"LLM_FALLBACK_MODELS": "anthropic.claude-sonnet-4-5-20250929-v1:0"})

    def ask() -> None:
        bedrock.play([Refuse("ThrottlingException")], last)
        body(endpoint.handle(event(), Context()))

    ask()
    assert left_behind(ask) == []


@pytest.mark.parametrize("what", [{"ping": True}, None, [], "warm-up"])
def test_an_event_that_is_not_from_a_gateway_is_not_found(endpoint: "Function", what: object) -> None:
    """A warm-up ping, or whatever else invokes a function: an answer, not an exception, and no model call."""
    response = endpoint.handle(what, Context())

    assert response.status == 404
    assert json.loads(body(response))["requestId"] == "invocation-1"


class Measured(BaseModel):
    """An answer with computed numbers that JSON does not have."""

    summary: str

    @computed_field
    def ratio(self) -> float:
        return float("nan")

    @computed_field
    def sums(self) -> list[float]:
        return [float("inf"), 1.5]


@pytest.mark.parametrize("accept", ["application/json", "application/jsonl", "text/event-stream"])
def test_a_number_that_json_does_not_have_is_null(make: Make, bedrock: Bedrock, accept: str) -> None:
    """A computed field may have one, and no client could read the document."""
    bedrock.play(complete_answer('{"summary": "s"}'))
    endpoint = make({"LLM_SCHEMA": f"{__name__}:Measured"})
    written = body(endpoint.handle(event(headers={"Accept": accept}), Context())).decode()
    last = written.strip().splitlines()[-1].removeprefix("data: ")
    document = json.loads(last, parse_constant=pytest.fail)

    assert document.get("value", document) == {"summary": "s", "ratio": None, "sums": [None, 1.5]}


class Loose(BaseModel):
    """An answer whose validator returns something else than its field declares."""

    summary: str

    @field_validator("summary")
    @classmethod
    def listed(cls, value: str) -> list[str]:
        return [value]


def test_a_value_of_another_type_than_declared_is_written_without_a_warning(make: Make, bedrock: Bedrock) -> None:
    """Pydantic's warning would quote it, and content would be in the log. Here a warning is an error."""
    bedrock.play(complete_answer('{"summary": "secret"}'))
    endpoint = make({"LLM_SCHEMA": f"{__name__}:Loose"})
    response = endpoint.handle(event(headers={"Accept": "application/json"}), Context())

    assert response.status == 200
    assert json.loads(body(response)) == {"summary": ["secret"]}


class Hiding(BaseModel):
    """An answer with fields that must not leave."""

    summary: str
    notes: str = Field(exclude=True)
    word: SecretStr


HIDING = '{"notes": "canary-1", "summary": "s", "word": "canary-2"}'


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/jsonl"),
        ("text/plain, */*;q=0.1", "application/jsonl"),
        ("text/*", "text/event-stream"),
        ("text/event-stream; view=snapshot", "text/event-stream; view=snapshot"),
        ("application/jsonl; view=snapshot", "application/jsonl; view=snapshot"),
        ("application/json", "application/json"),
    ],
)
def test_hidden_fields_are_in_no_byte_of_any_format(make: Make, bedrock: Bedrock, accept: str, media_type: str) -> None:
    """And no format is chosen that would show them."""
    bedrock.play(complete_answer(HIDING, 3))
    endpoint = make({"LLM_SCHEMA": f"{__name__}:Hiding"})
    response = endpoint.handle(event(headers={"Accept": accept}), Context())
    written = body(response).decode()

    assert response.headers["Content-Type"] == media_type
    assert "canary" not in written
    assert '"summary":"s"' in written


def test_raw_text_that_would_show_hidden_fields_is_not_acceptable(make: Make, bedrock: Bedrock) -> None:
    bedrock.play(complete_answer(HIDING))
    endpoint = make({"LLM_SCHEMA": f"{__name__}:Hiding"})
    response = endpoint.handle(event(headers={"Accept": "text/plain"}), Context())

    assert response.status == 406
    assert json.loads(body(response))["code"] == "not_acceptable"
    assert not bedrock.calls


class Unwritable(BaseModel):
    """An answer with a computed text that UTF-8 does not have."""

    summary: str

    @computed_field
    def shortened(self) -> str:
        return "🙂".encode("utf-16-le")[:2].decode("utf-16-le", "surrogatepass")


def test_an_answer_that_cannot_be_written_has_an_honest_status(make: Make, bedrock: Bedrock) -> None:
    """The status is sent when the bytes that follow it are ready."""
    bedrock.play(complete_answer('{"summary": "s"}'))
    endpoint = make({"LLM_SCHEMA": f"{__name__}:Unwritable"})
    response = endpoint.handle(event(headers={"Accept": "application/json"}), Context())

    assert response.status == 500
    assert json.loads(body(response))["code"] == "internal"


class Faulty(BaseModel):
    prompt: str = ""

    @field_validator("prompt", mode="before")
    @classmethod
    def fail(cls, value: object) -> object:
        raise KeyError(value)


def test_a_request_class_that_fails_is_an_internal_error_that_shows_nothing(make: Make, bedrock: Bedrock) -> None:
    """A mistake in the user's own validator: 500, no traceback, no model call."""
    endpoint = make({"LLM_REQUEST": f"{__name__}:Faulty"})
    response = endpoint.handle(event(body='{"prompt": "secret"}'), Context())
    problem = body(response)

    assert response.status == 500
    assert json.loads(problem)["code"] == "internal"
    assert b"secret" not in problem
    assert bedrock.calls == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LLM_SCHEMA", "function.schema:Nothing"),
        ("LLM_SCHEMA", "no_such_module:Answer"),
        ("LLM_REQUEST", "function.schema:Answer"),
        ("LLM_REQUEST", "function.schema:INSTRUCTIONS"),
        ("LLM_INSTRUCTIONS", "function.schema:Answer"),
        ("LLM_SCHEMA", "threading:Lock"),
    ],
)
def test_a_name_that_does_not_fit_fails_at_start(make: Make, variable: str, value: str) -> None:
    """Before any request, naming the variable."""
    with pytest.raises(SettingsError, match=f"^{variable} must name .*; got '{value}'"):
        make({variable: value})


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"schema": "function.schema:Nothing"}, "LLM_SCHEMA must name a Pydantic class .*; got 'function.schema:Nothi"),
        ({"request": "function.schema:Answer"}, "LLM_REQUEST must name"),
        ({"model_id": "anthropic.claude-opus-5-5", "temperature": "0.5"}, "LLM_TEMPERATURE must be none: "),
    ],
)
def test_a_mistake_in_a_route_fails_at_start_and_names_the_route(
    make: Make, tmp_path: Path, own: dict[str, str], message: str
) -> None:
    file = tmp_path / "routes.json"
    file.write_text(json.dumps({"triage": {}, "invoice": own}))
    with pytest.raises(SettingsError, match=f"^Route invoice: {message}"):
        make({"LLM_ROUTES": str(file)})


def test_what_a_module_of_a_route_raises_at_start_names_the_route(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python and the log show the note below the error."""
    (tmp_path / "leaving.py").write_text("raise SystemExit\n")
    (tmp_path / "routes.json").write_text('{"invoice": {"schema": "leaving:Answer"}}')
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SystemExit) as caught:
        make({"LLM_ROUTES": str(tmp_path / "routes.json")})

    assert caught.value.__notes__ == ["Route invoice"]


@pytest.mark.parametrize("variables", [{}, {"LLM_ROUTES": "routes.json"}], ids=["without", "with"])
def test_a_file_of_routes_is_read_only_where_there_are_routes(variables: dict[str, str]) -> None:
    """A cold start without routes costs no look at the disk."""
    program = (
        "import sys\nseen = []\n"
        "sys.addaudithook(lambda name, given: name == 'open' and seen.append(str(given[0])))\n"
        "try:\n    import function.handler\nexcept Exception: pass\n"
        "print(any('routes.json' in each for each in seen))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )

    assert ran.stdout.splitlines()[-1] == str(bool(variables))


@pytest.mark.parametrize(
    ("variables", "is_loaded"),
    [({}, False), ({"LLM_STORE": "dynamodb:t"}, True), ({"LLM_SINK": "eventbridge:b"}, True)],
    ids=str,
)
def test_boto3_is_loaded_only_for_a_store_or_a_sink(variables: dict[str, str], *, is_loaded: bool) -> None:
    """The model's client is botocore's: a cold start is shorter without boto3, which loads multiprocessing too.

    So it is without Pydantic's RootModel, which only classes that are one need.
    """
    some = "{'boto3', 'multiprocessing', 'pydantic.root_model'}"
    program = f"import function.handler, sys; print(sorted({some} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )

    assert ran.stdout.splitlines()[-1] == str(["boto3", "multiprocessing"] if is_loaded else [])


def test_the_limit_for_the_head_counts_from_the_gateway(make: Make, bedrock: Bedrock) -> None:
    """The gateway's idle clock has run since it received the request: a cold start is part of it."""
    bedrock.play([Hang()])
    clock = StoppedClock()
    endpoint = make({"LLM_FIRST_EVENT_TIMEOUT": "25"}, clock)
    context = {"requestId": "r", "requestTimeEpoch": int((time.time() - 24) * 1000)}
    response = endpoint.handle(event(requestContext=context), Context())

    assert response.status == 504
    assert json.loads(body(response))["code"] == "model_timeout"
    assert clock.time <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("accept", "variables", "waited", "expected"),
    [
        ("application/jsonl", {}, 0, (200, 10)),
        ("text/event-stream; view=snapshot", {"LLM_HEAD_WITHIN": "4"}, 0, (200, 4)),
        ("text/event-stream", {}, 9, (200, 1)),
        ("text/event-stream", {}, 3600, (200, 0)),
        ("text/event-stream", {}, -3600, (200, 10)),
        ("application/jsonl", {"LLM_HEAD_WITHIN": "60", "LLM_FIRST_EVENT_TIMEOUT": "25"}, 0, (200, 25)),
        ("text/plain", {"LLM_FIRST_EVENT_TIMEOUT": "25"}, 0, (504, 25)),
        ("application/json", {"LLM_FIRST_EVENT_TIMEOUT": "25"}, 0, (504, 25)),
    ],
)
def test_an_event_format_decides_its_head_before_a_client_gives_up(  # noqa: PLR0913, PLR0917 - a row of the table above
    make: Make, bedrock: Bedrock, accept: str, variables: dict[str, str], waited: int, expected: tuple[int, int]
) -> None:
    """The other formats could not report a later failure: they wait for as long as the gateway does."""
    bedrock.play([Hang()])
    clock = StoppedClock()
    endpoint = make(variables, clock)
    context = {"requestId": "r", "requestTimeEpoch": int((time.time() - waited) * 1000)}
    response = endpoint.handle(event(requestContext=context, headers={"Accept": accept}), Context())
    response.body.close()

    status, within = expected
    assert response.status == status
    assert within - 2 < clock.time <= within


class Receiver:
    """DynamoDB and EventBridge in one: notes which of them was called, and what was written to the log before."""

    def __init__(self, written: Callable[[], str]) -> None:
        self.happened: list[str] = []
        self._written = written

    def note(self) -> None:
        """Note the stages whose lines have come since the last time."""
        lines = [json.loads(line) for line in self._written().splitlines()]
        self.happened += [f"{line['stage']}: {line['message']}" for line in lines if "stage" in line]

    def answer(self, exchange: Exchange) -> None:
        self.note()
        self.happened.append(str(exchange.headers["X-Amz-Target"]))
        exchange.read_body(1_000_000)
        exchange.send(200, [("Content-Type", "application/x-amz-json-1.1")], b'{"FailedEntryCount": 0, "Entries": []}')


def test_the_stages_are_log_store_and_publish_in_this_order(
    make: Make, bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And each does its own work: a line and metrics, an item, an event."""
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
    receiver = Receiver(lambda: capsys.readouterr().out)
    with Server(receiver.answer) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", server.url)
        bedrock.play(complete_answer(DOCUMENT))
        body(make({"LLM_STORE": "dynamodb:records", "LLM_SINK": "eventbridge:bus"}).handle(event(), Context()))
        receiver.note()

    assert receiver.happened == [
        "log: request completed",
        "DynamoDB_20120810.PutItem",
        "store: record stored",
        "AWSEvents.PutEvents",
        "publish: record published",
    ]


CACHED = pytest.approx(6_200, abs=300)
"""The tokens of 24,000 characters and of the schema."""


@pytest.mark.parametrize(
    ("variables", "length", "counted", "word"),
    [
        ({"LLM_CACHE": "5m"}, 24_000, [[12, 0, CACHED], [12, CACHED, 0]], None),
        ({"LLM_CACHE": "5m"}, 10_000, 2 * [[12, 0, 0]], "miss_below_minimum"),
        ({}, 24_000, 2 * [[12, None, None]], None),
    ],
)
def test_what_is_written_to_the_cache_and_read_from_it_is_in_response_log_and_metrics(  # noqa: PLR0913, PLR0917 - five are fixtures
    make: Make,
    bedrock: Bedrock,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    length: int,
    counted: list[list[object]],
    word: str | None,
) -> None:
    (tmp_path / f"spoken{length}.py").write_text(f"INSTRUCTIONS = {length} * 'a'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    endpoint = make({**variables, "LLM_INSTRUCTIONS": f"spoken{length}:INSTRUCTIONS"})
    bedrock.play(complete_answer(DOCUMENT))
    names = ("inputTokens", "cacheReadTokens", "cacheWriteTokens")
    for expected in counted:
        response = body(endpoint.handle(event(headers={"Accept": "application/jsonl"}), Context()))
        usage = json.loads(response.splitlines()[-1])["usage"]
        [log, *_, metric] = [line for line in written(capsys) if "_aws" in line or line.get("stage") == "log"]

        assert [usage.get(name) for name in names] == expected
        assert log["gen_ai.usage.input_tokens"] == sum(usage.get(name, 0) for name in names)
        assert log.get("gen_ai.usage.cache_read.input_tokens") == usage.get("cacheReadTokens")
        assert metric.get("CacheWriteTokens", [None]) == [usage.get("cacheWriteTokens")]
        assert log.get("cache") == word


def test_a_rejected_request_has_the_log_stage_alone(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    body(make({}).handle(event(body="{"), Context()))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert [line["stage"] for line in lines if "stage" in line] == ["log"]


@pytest.mark.parametrize(("accept", "media_type"), [("application/jsonl", "application/jsonl"), ("image/png", None)])
def test_a_rejected_request_is_logged_with_the_format_that_was_chosen(
    make: Make, capsys: pytest.CaptureFixture[str], accept: str, media_type: str | None
) -> None:
    body(make({}).handle(event(body="{", headers={"accept": accept}), Context()))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [line] = [line for line in lines if line.get("stage") == "log"]

    assert line.get("media_type") == media_type
    assert line["function_request_id"] == "invocation-1"


def test_the_stages_have_the_time_that_the_answer_left_them(
    make: Make, bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Measured from the beginning of the invocation: near its end no call is begun."""
    clock = StoppedClock()
    bedrock.play(complete_answer(DOCUMENT))
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    response = make({"LLM_STORE": "dynamodb:records"}, clock).handle(event(), Context())
    clock.time = 119.9
    body(response)

    assert "failed: NoTimeLeft" in caplog.text


def test_a_conversation_reaches_the_model_with_its_files_encoded_once(endpoint: "Function", bedrock: Bedrock) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    encoded = b64encode(png()).decode()
    image = {"type": "image", "data": encoded}
    words = {"type": "document", "mediaType": "text/plain", "data": b64encode(b"words").decode()}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, image, words]},
        {"role": "assistant", "content": {"summary": "s", "keywords": []}},
        {"role": "user", "content": "And now?"},
    ]
    response = endpoint.handle(event(body=json.dumps({"messages": messages})), Context())

    assert body(response).decode() == DOCUMENT
    sent = {"format": "txt", "name": "document-1", "source": {"bytes": words["data"]}}
    assert bedrock.called().body["messages"] == [
        {
            "role": "user",
            "content": [
                {"text": "What is it?"},
                {"image": {"format": "png", "source": {"bytes": encoded}}},
                {"document": sent},
            ],
        },
        {"role": "assistant", "content": [{"text": '{"summary":"s","keywords":[]}'}]},
        {"role": "user", "content": [{"text": "And now?"}]},
    ]


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """Return the JSON lines that were written since the last call."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


class Directed(BaseModel):
    tenant: str = "a"

    @property
    def prompt(self) -> Prompt:
        return Prompt("Why?", instructions="Answer in French.", metadata={"tenant": self.tenant})


def test_a_prompt_brings_instructions_and_metadata(
    make: Make, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    endpoint = make({"LLM_REQUEST": f"{__name__}:Directed"})
    for tenant, carried in (("a b", "a b"), ("é", f"sha256:{sha256('é'.encode()).hexdigest()}")):
        body(endpoint.handle(event(body=json.dumps({"tenant": tenant})), Context()))

        call = bedrock.calls[-1]
        assert call.body["system"] == [{"text": "Answer in French."}]
        assert call.body["requestMetadata"] == {"tenant": carried}
        [line] = [line for line in written(capsys) if line.get("stage") == "log"]
        assert line["metadata"] == {"tenant": tenant}


class Pictured(BaseModel):
    picture: Image

    @property
    def prompt(self) -> Prompt:
        return Prompt([Message("user", ["What is it?", self.picture])])


@pytest.mark.parametrize(
    ("settings", "status"),
    [({}, 200), ({"LLM_BODY_LIMIT": "65536"}, 413), ({"LLM_REQUEST": "function.schema:Request"}, 413)],
)
def test_a_class_with_an_image_takes_a_larger_body_unless_the_stack_sets_a_limit(
    make: Make, bedrock: Bedrock, settings: dict[str, str], status: int
) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    picture = {"data": b64encode(png() + bytes(60_000)).decode()}
    response = make({"LLM_REQUEST": f"{__name__}:Pictured", **settings}).handle(
        event(body=json.dumps({"picture": picture})), Context()
    )

    assert response.status == status
    body(response)


class Sourced(BaseModel):
    @property
    def prompt(self) -> Prompt:
        return Prompt("Why?", validation_context={"canary-source"})


class Cited(BaseModel):
    source: str

    @field_validator("source")
    @classmethod
    def is_known(cls, source: str, info: ValidationInfo[set[str]]) -> str:
        if source not in info.context:
            raise ValueError
        return source


def test_validators_of_every_attempt_find_the_context_and_the_model_never_sees_it(
    make: Make, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    bedrock.play(complete_answer('{"source": "invented"}'), complete_answer('{"source": "canary-source"}'))
    own = {"LLM_REQUEST": f"{__name__}:Sourced", "LLM_SCHEMA": f"{__name__}:Cited", "LLM_MAX_ATTEMPTS": "2"}
    response = make({**own, "LLM_CAPTURE_CONTENT": "false"}).handle(
        event(headers={"Accept": "application/json"}), Context()
    )

    assert json.loads(body(response)) == {"source": "canary-source"}
    assert len(bedrock.calls) == 2
    assert "canary" not in json.dumps([call.body for call in bedrock.calls])
    assert "canary" not in json.dumps(written(capsys))


SECRET = "canary-of-a-key"
WITH_KEY = {"identity": {"apiKey": SECRET, "apiKeyId": "key-1", "accessKey": SECRET, "sourceIp": "192.0.2.7"}}
WITH_CLAIMS = {
    "identity": {"sourceIp": "192.0.2.7"},
    "authorizer": {"claims": {"iss": "https://a.example", "sub": "0a1b", "custom:tenant": "blue; " * 50}},
}
PRETENDED = {
    "x-api-key": SECRET,
    "authorization": f"Bearer {SECRET}",
    "x-forwarded-for": SECRET,
    "principalid": SECRET,
    "caller_id": SECRET,
    "requestcontext": json.dumps({"identity": {"apiKeyId": SECRET}}),
}


@pytest.mark.parametrize(
    ("authorization", "fields", "context", "members"),
    [
        ("apiKey", "id", WITH_KEY, {"caller_id": "key-1"}),
        (
            "cognito",
            "id,claims.custom:tenant,claims.missing",
            WITH_CLAIMS,
            {"caller_id": "https://a.example#0a1b", "caller_claims_custom_tenant": ("blue; " * 50)[:256]},
        ),
        ("cognito", "none", WITH_CLAIMS, {}),
        ("none", "id", WITH_KEY, {}),
        ("lambda", "id,claims.tenant", {"authorizer": None}, {}),
    ],
)
@pytest.mark.parametrize("request_body", ["{}", "{"])
def test_log_record_and_invocation_log_name_the_caller_as_the_gateway_does(  # noqa: PLR0913, PLR0917 - a row of the table above
    make: Make,
    bedrock: Bedrock,
    capsys: pytest.CaptureFixture[str],
    authorization: str,
    fields: str,
    context: dict[str, object],
    members: dict[str, str],
    request_body: str,
) -> None:
    """Whatever the header fields pretend, in a rejected request too; a key's value is nowhere."""
    bedrock.play(complete_answer(DOCUMENT))
    named = {"LLM_AUTHORIZATION": authorization, "LLM_CALLER_FIELDS": fields, "LLM_CAPTURE_CONTENT": "true"}
    sent = event(body=request_body, headers=PRETENDED, requestContext=context)
    answered = body(make(named).handle(sent, Context()))

    lines = written(capsys)
    found = {line["stage"]: line for line in lines if "stage" in line}
    seen = [found["log"], *([found["publish"]["record"]] if "publish" in found else [])]
    assert len(seen) == (2 if request_body == "{}" else 1)
    for each in seen:
        assert isinstance(each, dict)
        assert {name: value for name, value in each.items() if name.startswith("caller")} == members
    for call in bedrock.calls:
        assert call.body.get("requestMetadata", {}) == {
            name: f"sha256:{sha256(value.encode()).hexdigest()}" if ";" in value else value
            for name, value in members.items()
        }
    assert len(bedrock.calls) == len(seen) - 1
    assert SECRET not in json.dumps(lines) + answered.decode() + json.dumps([call.body for call in bedrock.calls])


def test_the_gateways_word_on_the_caller_stands_beside_own_metadata(make: Make, bedrock: Bedrock) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    named = {"LLM_REQUEST": f"{__name__}:Pretending", "LLM_AUTHORIZATION": "apiKey", "LLM_CALLER_FIELDS": "id"}
    body(make(named).handle(event(requestContext=WITH_KEY), Context()))

    assert bedrock.called().body["requestMetadata"] == {"tenant": "a", "caller_id": "key-1"}


class Pretending(BaseModel):
    @property
    def prompt(self) -> Prompt:
        return Prompt("Why?", metadata={"tenant": "a", "caller_id": "somebody"})


class Wrong(BaseModel):
    @property
    def prompt(self) -> Prompt:
        return Prompt([Message("user", "canary"), Message("assistant", "canary")])


def test_a_wrong_prompt_of_own_code_is_internal_and_the_log_says_what_is_wrong(
    make: Make, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    response = make({"LLM_REQUEST": f"{__name__}:Wrong"}).handle(event(), Context())

    assert response.status == 500
    assert json.loads(body(response))["code"] == "internal"
    found = written(capsys)
    [line] = [line for line in found if line.get("stage") == "log"]
    assert (line["prompt_error"], line["prompt_error_path"]) == ("role_order", "/messages/1")
    assert line["level"] == "ERROR"
    assert "canary" not in json.dumps(found)
    assert not bedrock.calls
