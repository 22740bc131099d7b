import pytest
from pydantic import BaseModel

from function.stream import json_reader
from function.stream.errors import AnswerNotJson
from function.stream.events import Change
from function.stream.partials import Partials, applied


class Recipe(BaseModel):
    title: str
    minutes: int


def test_a_model_grows_and_ends_as_itself() -> None:
    """Open strings show their text so far, numbers wait for their delimiter, and the end is the model."""
    partials = Partials(Recipe)
    seen = [change for piece in ('{"title": "Panca', 'kes", "minutes": 2', "5}") for change in partials.feed(piece)]

    assert seen == [
        Change("", value={}),
        Change("/title", value="Panca"),
        Change("/title", append="kes", closed=True),
        Change("/minutes", value=25, closed=True),
        Change("", append="", closed=True),
    ]
    assert applied(seen) == partials.snapshot == {"title": "Pancakes", "minutes": 25}
    assert partials.whole
    assert partials.finish() == Recipe(title="Pancakes", minutes=25)


def test_an_endless_answer_ends_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless string is not JSON, and stays so."""
    monkeypatch.setattr(json_reader, "MAX_BYTES", 1000)
    partials = Partials(str)
    partials.feed('"')

    with pytest.raises(AnswerNotJson, match="longer than"):  # noqa: PT012 it comes at any fragment
        for _ in range(20):
            partials.feed("x" * 100)

    with pytest.raises(AnswerNotJson, match="longer than"):
        partials.feed('"')
    with pytest.raises(AnswerNotJson, match="longer than"):
        partials.finish()
