from pydantic import BaseModel

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
