import doctest
import tracemalloc

import pytest
from pydantic import BaseModel

from function.partials import Change, Invalid, NotJson, Partials, applied, partials, reader


class Recipe(BaseModel):
    title: str
    minutes: int


def test_a_model_grows_and_ends_as_itself() -> None:
    """Open strings show their text so far, numbers wait for their delimiter, and the end is the model."""
    growing = Partials(Recipe)
    seen = [change for piece in ('{"title": "Panca', 'kes", "minutes": 2', "5}") for change in growing.feed(piece)]

    assert seen == [
        Change("", value={}),
        Change("/title", value="Panca"),
        Change("/title", append="kes", closed=True),
        Change("/minutes", value=25, closed=True),
        Change("", append="", closed=True),
    ]
    assert applied(seen) == growing.snapshot == {"title": "Pancakes", "minutes": 25}
    assert growing.is_complete
    assert growing.finish() == Recipe(title="Pancakes", minutes=25)


def test_an_endless_answer_ends_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless string is not JSON, and stays so."""
    monkeypatch.setattr(reader, "MAX_BYTES", 1000)
    growing = Partials(str)
    growing.feed('"')

    with pytest.raises(NotJson, match="longer than"):  # noqa: PT012 it comes at any fragment
        for _ in range(20):
            growing.feed("x" * 100)

    with pytest.raises(NotJson, match="longer than"):
        growing.feed('"')
    with pytest.raises(NotJson, match="longer than"):
        growing.finish()


def test_text_after_a_mistake_at_the_end_raises_it_again() -> None:
    """An end inside a string is final, too."""
    growing = Partials(str)
    growing.feed('"a')

    with pytest.raises(NotJson, match="too early"):
        growing.finish()
    with pytest.raises(NotJson, match="too early"):
        growing.feed("b")


@pytest.mark.parametrize(("rest", "error"), [('"minutes": "ten"}', Invalid), ("oops", NotJson)])
def test_a_mistake_says_what_closed_before_it_in_its_fragment(rest: str, error: type[NotJson | Invalid]) -> None:
    """Its changes are not returned."""
    with pytest.raises(error) as caught:
        Partials(Recipe).feed('{"title": "Pancakes", ' + rest)

    assert isinstance(caught.value, NotJson | Invalid)
    assert caught.value.closed_before == 1


def test_a_string_that_grows_is_shown_at_any_time() -> None:
    """By the live object and by snapshots that stay, whatever its characters, and for longer than is held back."""
    growing = Partials(list[str])
    growing.feed('["')
    text = ""
    shown: list[tuple[object, list[str]]] = []
    for piece in ["plain", "é😀", "\u00a0", "\u200d", "x" * 5000, "", "y" * 4000, "z" * 200]:
        assert growing.feed(piece) == ([Change("/0", append=piece)] if piece else [])
        text += piece
        if len(shown) % 2:
            assert growing.live == [text]
        shown.append((growing.snapshot, [text]))

    assert growing.feed('"]') == [Change("/0", append="", closed=True), Change("", append="", closed=True)]
    assert growing.finish() == [text]
    assert all(snapshot == was for snapshot, was in shown)


def test_a_number_that_was_cut_is_not_shown_below_a_union() -> None:
    """Wherever it stands, it waits for its delimiter."""
    growing: Partials[object] = Partials(list[int] | list[int | str])

    assert growing.feed("[1") == [Change("", value=[])]
    assert growing.snapshot == []
    assert [change.value for change in growing.feed("2,")] == [12]
    assert growing.feed("3") == []
    assert growing.snapshot == [12]


def test_little_is_held_back_of_a_string() -> None:
    """Character by character, a long string takes the memory of its text."""
    growing = Partials(str)
    growing.feed('"')
    tracemalloc.start()
    for _ in range(100_000):
        growing.feed("x")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 300_000


def test_the_example_in_the_docstring_runs() -> None:
    """What is shown there is what happens."""
    ran = doctest.testmod(partials, optionflags=doctest.ELLIPSIS)

    assert ran.attempted > 0
    assert ran.failed == 0
