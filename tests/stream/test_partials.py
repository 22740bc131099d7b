import doctest

import pytest
from pydantic import BaseModel

from function.stream import json_reader, partials
from function.stream.errors import AnswerNotJson
from function.stream.events import Change
from function.stream.partials import Partials, applied


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
    assert growing.whole
    assert growing.finish() == Recipe(title="Pancakes", minutes=25)


def test_an_endless_answer_ends_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless string is not JSON, and stays so."""
    monkeypatch.setattr(json_reader, "MAX_BYTES", 1000)
    growing = Partials(str)
    growing.feed('"')

    with pytest.raises(AnswerNotJson, match="longer than"):  # noqa: PT012 it comes at any fragment
        for _ in range(20):
            growing.feed("x" * 100)

    with pytest.raises(AnswerNotJson, match="longer than"):
        growing.feed('"')
    with pytest.raises(AnswerNotJson, match="longer than"):
        growing.finish()


def test_the_example_in_the_docstring_runs() -> None:
    """What is shown there is what happens."""
    ran = doctest.testmod(partials, optionflags=doctest.ELLIPSIS)

    assert ran.attempted > 0
    assert ran.failed == 0
