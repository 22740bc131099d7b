"""The stand-in counts what the service would cache, and refuses the cache points that it refuses."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from function.claude import CLAUDES
from local.bedrock.caching import MINIMUM, PromptCache, minimum_of
from local.bedrock.claude import version
from local.bedrock.rules import Refused, check_request

HAIKU: Final = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
OPUS: Final = "us.anthropic.claude-opus-5-5"
POINT: Final = {"cachePoint": {"type": "default"}}
HOUR: Final = {"cachePoint": {"type": "default", "ttl": "1h"}}
QUESTION: Final = {"text": "Why?"}


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def asked(*system: Mapping[str, Any], messages: list[list[Mapping[str, Any]]] | None = None) -> dict[str, Any]:
    """Return a request whose turns alternate between user and assistant."""
    contents = [[QUESTION]] if messages is None else messages
    turns = [{"role": ("user", "assistant")[number % 2], "content": each} for number, each in enumerate(contents)]
    return {"system": list(system), "messages": turns}


def words(tokens: int, word: str = "cat ") -> dict[str, str]:
    """Return a text block of about this many tokens of Claude 4.5."""
    return {"text": tokens * word}


def read_and_written(cache: PromptCache, body: Mapping[str, Any], model: str = HAIKU) -> tuple[int, int]:
    """Answer a request."""
    reading = cache.look_up(model, body)
    reading.keep()
    return reading.read, reading.written


def test_what_was_written_is_read_until_its_time_is_over_and_reading_begins_it_anew() -> None:
    clock = Clock()
    cache = PromptCache(clock)
    body = asked(words(5000), POINT)
    read, written = read_and_written(cache, body)
    assert read == 0
    assert written > 4096

    for seconds in (299, 299):
        clock.now += seconds
        assert read_and_written(cache, body) == (written, 0)
    clock.now += 301
    assert read_and_written(cache, body) == (0, written)


def test_an_hour_is_an_hour() -> None:
    clock = Clock()
    cache = PromptCache(clock)
    body = asked(words(5000), HOUR)
    _, written = read_and_written(cache, body)

    clock.now += 3599
    assert read_and_written(cache, body) == (written, 0)
    clock.now += 3601
    assert read_and_written(cache, body) == (0, written)


def test_calls_in_parallel_read_nothing_until_the_first_answer_begins() -> None:
    cache = PromptCache(Clock())
    body = asked(words(5000), POINT)
    first, second = cache.look_up(HAIKU, body), cache.look_up(HAIKU, body)
    assert (first.read, second.read) == (0, 0)
    first.keep()

    assert cache.look_up(HAIKU, body).read == first.written


@pytest.mark.parametrize("name", [*MINIMUM, "nova"])
def test_below_the_minimum_of_its_model_nothing_is_cached_and_nobody_says_so(name: str) -> None:
    model = f"us.anthropic.claude-{name}" if name != "sonnet-3-7" else "anthropic.claude-3-7-sonnet-20250219-v1:0"
    least = minimum_of(model)
    characters = 3 if (version(model) or (0, 0)) >= (4, 7) else 4
    texts = [{"text": (characters * least + more) * "a"} for more in (-100, 0)]
    written = [read_and_written(PromptCache(Clock()), asked(text, POINT), model)[1] for text in texts]

    assert written[0] == 0
    assert least <= written[1] < least + 10


def test_a_conversation_reads_what_its_turns_before_have_written() -> None:
    """Of a point that is more than 20 blocks before the next one nothing is found."""
    cache = PromptCache(Clock())
    first: list[Mapping[str, Any]] = [words(5000)]
    last: list[Mapping[str, Any]] = [QUESTION, POINT]
    _, written = read_and_written(cache, asked(messages=[[*first, POINT]]))
    read, more = read_and_written(cache, asked(messages=[first, [words(10)], last]))

    assert read == written
    assert 0 < more < 100
    between: list[list[Mapping[str, Any]]] = [[words(1)] for _ in range(21)]
    assert read_and_written(cache, asked(messages=[first, *between, last]))[0] == 0


@pytest.mark.parametrize(
    "other",
    [
        asked(words(5000, "dog "), POINT),
        {**asked(words(5000), POINT), "outputConfig": {"textFormat": {}}},
        {**asked(words(5000), POINT), "toolConfig": {"tools": [{"toolSpec": {"name": "a"}}]}},
    ],
)
def test_whatever_stands_before_the_point_has_to_be_the_same(other: dict[str, Any]) -> None:
    cache = PromptCache(Clock())
    body = asked(words(5000), POINT)
    read_and_written(cache, body)

    assert cache.look_up(HAIKU, other).read == 0
    assert cache.look_up(OPUS, body).read == 0
    assert cache.look_up(HAIKU, {**body, "additionalModelRequestFields": {"thinking": {}}}).read > 0


def test_thinking_changes_what_is_cached_of_messages_alone() -> None:
    cache = PromptCache(Clock())
    body = asked(messages=[[words(5000), POINT]])
    read_and_written(cache, body)

    assert cache.look_up(HAIKU, body).read > 0
    assert cache.look_up(HAIKU, {**body, "additionalModelRequestFields": {"thinking": {"type": "x"}}}).read == 0


MARKDOWN: Final = {"document": {"format": "md", "name": "document-1", "source": {"bytes": "IyBB"}}}
MANY: Final[list[list[Mapping[str, Any]]]] = [[QUESTION, POINT] for _ in range(5)]
REFUSED: Final[list[tuple[str, dict[str, Any], str]]] = [
    ("first of its blocks", asked(POINT, words(1)), "system.0.type: Field required"),
    ("two in a row", asked(words(1), POINT, POINT), "system.2.type: Field required"),
    ("behind a document", asked(messages=[[QUESTION, MARKDOWN, POINT]]), "messages.0.content.2.type: Field required"),
    ("five", asked(messages=MANY), "A maximum of 4 blocks with cache_control may be provided. Found 5."),
    (
        "longer behind shorter",
        asked(words(1), POINT, messages=[[QUESTION, HOUR]]),
        "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m'",
    ),
    ("another type", asked(words(1), {"cachePoint": {"type": "x"}}), "system.1.cachePoint"),
    ("another time", asked(words(1), {"cachePoint": {"type": "default", "ttl": "2h"}}), "system.1.cachePoint"),
]


@pytest.mark.parametrize(("body", "words_of_it"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_cache_point_that_cannot_stand_there_is_refused(body: dict[str, Any], words_of_it: str) -> None:
    with pytest.raises(Refused) as caught:
        check_request(HAIKU, body, refuses_output_config=False)

    assert words_of_it in str(caught.value)


@pytest.mark.parametrize(
    ("model", "point", "sentence"),
    [
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", HOUR, "cache_control.ttl: Extra inputs are not permitted"),
        ("anthropic.claude-3-haiku-20240307-v1:0", POINT, "did not allow prompt caching"),
    ],
)
def test_a_model_that_cannot_do_it_refuses_it(model: str, point: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        check_request(model, asked(words(1), point), refuses_output_config=False)


@pytest.mark.parametrize(
    "body",
    [
        asked(words(1), HOUR, messages=[[QUESTION, POINT]]),
        asked(words(1), HOUR, messages=[[QUESTION, HOUR]]),
        asked(messages=MANY[:3]),
        asked(messages=[[MARKDOWN, QUESTION, POINT]]),
    ],
)
def test_what_the_service_takes_is_not_refused(body: dict[str, Any]) -> None:
    check_request(HAIKU, body, refuses_output_config=False)


def test_the_function_warns_of_no_less_than_the_stand_in_asks() -> None:
    """The function takes the largest minimum that a source gives, the stand-in what most of them say."""
    rows = {"-".join(str(part) for part in (row.family, *row.version) if part): row for row in CLAUDES}

    for name, row in rows.items():
        if row.cache_minimum is not None:
            assert MINIMUM[name] <= row.cache_minimum
    assert minimum_of(HAIKU) == 4096
