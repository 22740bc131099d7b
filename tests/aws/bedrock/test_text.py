"""What is repaired of the model's text, however it is cut."""

from collections.abc import Iterator

import pytest

from function.aws.bedrock.text import HELD_LIMIT, complete_characters, without_fence
from function.stream.events import Delta, Ignored, ModelEvent, Stop, Thinking, Usage, Verdict
from tests.aws.bedrock.models import DOCUMENT, text

END = Stop("end_turn", Verdict.GOOD)


def events(*texts: str) -> Iterator[ModelEvent]:
    yield from map(Delta, texts)
    yield END


def cut(written: str, size: int) -> Iterator[str]:
    return (written[start : start + size] for start in range(0, len(written), size))


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    ("written", "document"),
    [
        (f"```json\n{DOCUMENT}\n```", DOCUMENT + "\n"),
        (f"\n```\n{DOCUMENT}\n```\n", DOCUMENT),
        (DOCUMENT, DOCUMENT),
        ('"`a` ``` b"', '"`a` ``` b"'),
        (f"```json\n{DOCUMENT}\n```\nHope this helps!", f"{DOCUMENT}\n```\nHope this helps!"),
        (f"Here it is:\n```json\n{DOCUMENT}\n```", f"Here it is:\n```json\n{DOCUMENT}\n```"),
        ("``", "``"),
        (f"```json {DOCUMENT}\n```", DOCUMENT),
        (f"```json{DOCUMENT}```", DOCUMENT),
        (f"```{DOCUMENT}```", DOCUMENT),
        (f"``` json\r\n{DOCUMENT}\r\n```\r\n", DOCUMENT),
        (f"```json:answer.json\n{DOCUMENT}\n```", DOCUMENT),
        (f"~~~json\n{DOCUMENT}\n~~~", DOCUMENT),
        (f"~~~~\n{DOCUMENT}\n~~~~~", DOCUMENT),
        (f"`````json\n{DOCUMENT}\n`````", DOCUMENT),
        (f"````\n{DOCUMENT}\n```", f"{DOCUMENT}\n```"),
        (f"```\n{DOCUMENT}\n~~~", f"{DOCUMENT}\n~~~"),
        (f"```json title\n{DOCUMENT}\n```", f"title\n{DOCUMENT}"),
        ("```\ntrue\n```", "true"),
        ("```json\nfalse\n```", "false"),
        ("```null```", "null"),
        ('``` "word"\n```', '"word"'),
        ("```\n-5\n```", "-5"),
        ("```json [1]```", "[1]"),
        (f"```JSON\t{DOCUMENT}  \r\n  ```  ", DOCUMENT),
        (f"```json5\n{DOCUMENT}\n```", DOCUMENT),
        ('```\n{"a": "```"}\n```', '{"a": "```"}'),
        ("```", "```"),
        ("```json", "json"),
        ("```json\n```", ""),
        ('{"a": "~~~"}', '{"a": "~~~"}'),
        ("```\n{}\n``` ```", "{}\n``` ```"),
    ],
)
def test_a_markdown_fence_is_stripped_and_nothing_else(written: str, document: str, size: int) -> None:
    """However the fence is cut; other words around the document stay, and are found not to be JSON."""
    repaired = list(without_fence(events(*cut(written, size))))

    assert text(repaired).strip() == document.strip()
    assert repaired[-1] == END


def test_no_more_is_held_back_than_may_be_a_fence() -> None:
    assert list(without_fence(events("```json\n{", '"a": 1}\n', "```"))) == [Delta("{"), Delta('"a": 1}'), END]
    assert list(without_fence(events("{", '"a": "`', "`b"))) == [Delta("{"), Delta('"a": "`'), Delta("`b"), END]


@pytest.mark.parametrize(
    ("before", "filler", "after", "answer"),
    [
        ("", " ", "{}", "{}"),
        ("```", "`", "\n{}", "{}"),
        ("```", " ", "{}", "{}"),
        ("```json", "\n", "{}", "{}"),
        ("```\n{", "`", "}", "{}"),
        ("```\n{}", " ", "", "{}"),
        ("```\n{}", "`", "", "{}"),
    ],
)
def test_a_long_run_of_one_character_is_looked_at_once(before: str, filler: str, after: str, answer: str) -> None:
    """If each of the many fragments was joined to those before it, this would take minutes."""
    repaired = text(list(without_fence(events(before, *200_000 * [64 * filler], after))))

    assert repaired.replace(filler, "").strip() == answer


def test_more_than_a_document_may_have_is_not_held_back() -> None:
    for begin in ("", "```", "```\n"):
        repaired = without_fence(events(begin, *(HELD_LIMIT // 1024 + 1) * [1024 * " "], "{"))

        assert any(event.text.isspace() for event in repaired if isinstance(event, Delta))


def test_an_event_beside_the_answer_does_not_part_what_belongs_together() -> None:
    written: list[ModelEvent] = [Delta("``"), Ignored(), Delta("`\n{}\n``"), Usage(1, 2), Delta("`"), END]

    assert text(list(without_fence(iter(written)))) == "{}"
    halves: list[ModelEvent] = [Delta("\ud83d"), Ignored(), Usage(1, 2), Delta("\ude42"), END]
    assert text(list(complete_characters(iter(halves)))) == "🙂"


def test_the_halves_of_a_character_are_joined() -> None:
    repaired = list(complete_characters(events("a\ud83d", "\ude42", "\ud83d", "\ude42b")))

    assert repaired == [Delta("a"), Delta("🙂"), Delta("🙂b"), END]


def test_half_a_character_at_the_end_is_not_dropped() -> None:
    """A document with something after it is not one."""
    assert list(complete_characters(events("{}\ud83d"))) == [Delta("{}"), Delta("\ufffd"), END]


def test_text_of_thinking_can_be_sent_whatever_the_model_writes() -> None:
    """A pair that two deltas share is one character; a half that stays alone is replaced, or dropped at the end."""
    written: list[ModelEvent] = [
        Thinking("a\ud83d"),
        Thinking(),
        Thinking("\ude42"),
        Thinking("\ude42b"),
        Thinking("\ud83dc\ud83d"),
        END,
    ]

    assert list(complete_characters(iter(written))) == [
        Thinking("a"),
        Thinking(),
        Thinking("\U0001f642"),
        Thinking("\ufffdb"),
        Thinking("\ufffdc"),
        END,
    ]
