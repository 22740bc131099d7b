"""What is repaired of the model's text, however it is cut."""

from collections.abc import Iterator

import pytest

from function.aws.bedrock.text import complete_characters, without_fence
from function.stream.events import Delta, ModelEvent, Stop, Verdict
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


def test_the_halves_of_a_character_are_joined() -> None:
    repaired = list(complete_characters(events("a\ud83d", "\ude42", "\ud83d", "\ude42b")))

    assert repaired == [Delta("a"), Delta("🙂"), Delta("🙂b"), END]


def test_half_a_character_at_the_end_is_not_dropped() -> None:
    """A document with something after it is not one."""
    assert list(complete_characters(events("{}\ud83d"))) == [Delta("{}"), Delta("\ufffd"), END]
