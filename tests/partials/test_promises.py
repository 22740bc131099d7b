"""The six promises, over random types, documents and cuts."""

import contextlib
import gc
import json
import os
import sys
import tracemalloc
from collections import Counter
from dataclasses import dataclass
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from function.partials import Change, Invalid, Partials, applied, unescape
from tests.partials.schemas import Draw, cut, flip, mutated, specs, up_to, written

settings.register_profile(
    "promises",
    max_examples=int(os.environ.get("EXAMPLES", "2000")),  # fewer for a quick run
    derandomize="FUZZ" not in os.environ,  # the same examples at every run: new ones are for make fuzz
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
promise = settings(settings.get_profile("promises"))


def _fed(type_: Any, fragments: list[str]) -> tuple[Partials[Any], list[Change]]:
    partials = Partials(type_)
    return partials, [change for fragment in fragments for change in partials.feed(fragment)]


@dataclass(frozen=True)
class Document:
    """A document in fragments, and the type that it is read as."""

    type: Any
    value: Any
    text: str
    fragments: list[str]


@st.composite
def valid_documents(draw: Draw, *, after: str = "") -> Document:
    """Draw a document that is valid; ``after`` follows it in the fragments."""
    spec = specs(draw)
    value = spec.taken(draw)
    text, _ = written(value, spaced=flip(draw), ascii_only=flip(draw))
    try:
        TypeAdapter(spec.type).validate_json(text)
    except ValidationError:
        reject()
    return Document(spec.type, value, text, cut(draw, text + after))


@promise
@given(valid_documents())
def test_no_false_alarm(document: Document) -> None:
    """A document that is valid in the end never raises on the way."""
    partials, changes = _fed(document.type, document.fragments)

    partials.finish()
    if isinstance(document.value, (dict, list, str)):
        assert partials.is_complete
        assert applied(changes) == document.value
    assert partials.snapshot == partials.live == document.value


@dataclass(frozen=True)
class Refused:
    """A document with a wrong value, and how much of it must have been read when the value is known to be wrong."""

    type: Any
    text: str
    last: int


@st.composite
def refused_documents(draw: Draw) -> Refused:
    """Draw a document that is not valid."""
    spec = next((spec for spec in (specs(draw) for _ in range(5)) if spec.refused), None)
    if spec is None or spec.refused is None:
        reject()
    value, deadline = spec.refused(draw)
    text, ends = written(value, spaced=flip(draw))
    return Refused(spec.type, text, len(text) if deadline.up else max(ends[path] for path in deadline.paths))


@promise
@given(refused_documents())
def test_no_late_alarm(refused: Refused) -> None:
    """An invalid value is reported with the character that closes it, or that closes what its judgement waits for."""
    with pytest.raises(ValidationError):
        TypeAdapter(refused.type).validate_json(refused.text)

    partials = Partials(refused.type)
    with pytest.raises(Invalid):
        _fed_at_most(partials, refused.text, refused.last)


def _fed_at_most(partials: Partials[Any], text: str, last: int) -> None:
    for character in text[:last]:
        partials.feed(character)
    if last >= len(text):
        partials.finish()


@st.composite
def any_documents(draw: Draw) -> Document:
    """Draw a document that was valid before it was changed here and there."""
    spec = specs(draw)
    value = spec.taken(draw)
    for _ in range(draw(up_to(2))):
        value = mutated(draw, value)
    text, _ = written(value, spaced=flip(draw), ascii_only=flip(draw))
    return Document(spec.type, value, text, cut(draw, text))


@promise
@given(any_documents())
def test_monotone_in_agreement_and_the_same_however_it_is_cut(document: Document) -> None:
    """Three promises for each document: to draw it takes longer than to look at it."""
    _is_monotone(document)
    _agrees(document)
    _closes_the_same_values_in_any_fragments(document)


def _is_monotone(document: Document) -> None:
    """What closed never changes or vanishes, nothing at or below it is touched again or found to be wrong."""
    partials = Partials(document.type)
    closed: dict[str, Any] = {}

    try:
        for fragment in document.fragments:
            changes = partials.feed(fragment)
            for change in changes:
                assert not any(_within(change.path, path) for path in closed)
                if change.closed:
                    closed[change.path] = json.dumps(_at(partials.live, change.path))
            for path, was in closed.items():
                assert json.dumps(_at(partials.live, path)) == was
        partials.finish()
    except Invalid as error:
        assert not any(_within(error.path, path) for path in closed)  # noqa: PT017 - it may come or not
    for path, was in closed.items():
        assert json.dumps(_at(partials.snapshot, path)) == was


def _within(path: str, outer: str) -> bool:
    return path == outer or path.startswith(outer + "/")


def _at(tree: Any, path: str) -> Any:
    for step in path.split("/")[1:]:
        tree = tree[int(step)] if isinstance(tree, list) else tree[unescape(step)]
    return tree


def _agrees(document: Document) -> None:
    """The end is the end of ``model_validate_json``: the same object, or one of its mistakes."""
    adapter = TypeAdapter[Any](document.type)
    try:
        expected = adapter.validate_json(document.text)
    except ValidationError as error:
        path, rule, read = _first_mistake(document.type, document.text)
        mistakes = _mistakes(error) | _mistakes_of(adapter, _completed(document.text[:read]))
        assert any(rule == named and _leads(path, place) for place, named in mistakes)
        return
    partials, _ = _fed(document.type, document.fragments)
    result = partials.finish()
    assert type(result) is type(expected)
    assert sorted(repr(result)) == sorted(repr(expected))  # a set has no order
    assert json.dumps(partials.snapshot) == json.dumps(document.value)


def _first_mistake(type_: Any, text: str) -> tuple[str, str, int]:
    """Return path and rule that are reported, and after how many characters."""
    partials = Partials(type_)
    read = 0
    try:
        for read, character in enumerate(text, 1):  # noqa: B007 - the last one counts
            partials.feed(character)
        partials.finish()
    except Invalid as error:
        return error.path, error.rule, read
    raise AssertionError(text)


def _mistakes(error: ValidationError) -> set[tuple[tuple[str, ...], str]]:
    return {(tuple(map(str, mistake["loc"])), mistake["type"]) for mistake in error.errors()}


def _mistakes_of(adapter: TypeAdapter[Any], text: str) -> set[tuple[tuple[str, ...], str]]:
    """What is wrong with the document if it ends here: Pydantic keeps quiet about items of a list that is too long."""
    try:
        adapter.validate_json(text)
    except ValidationError as error:
        return _mistakes(error)
    return set()


def _leads(path: str, place: tuple[str, ...]) -> bool:
    """Pydantic's place has the path's steps in order; what it has besides names members of unions and the like."""
    left = iter(place)
    return all(unescape(step) in left for step in path.split("/")[1:])


def _completed(text: str) -> str:
    """End a document where it was cut, in the shortest way."""
    closers: list[str] = []
    in_string = escaped = False
    for character in text:
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        elif character in "[{":
            closers.append("]" if character == "[" else "}")
        elif character in "]}":
            closers.pop()
    text = text.rstrip(", ") if not in_string else text
    endings = [
        "",
        '"',
        '":null',
        ":null",
        "null",
        "0",
        *("true"[n:] for n in range(4)),
        *("false"[n:] for n in range(5)),
    ]
    for ending in [*endings, *("null"[n:] for n in range(4))]:
        whole = text + ending + "".join(reversed(closers))
        with contextlib.suppress(ValueError):
            json.loads(whole)
            return whole
    raise AssertionError(text)


def _closes_the_same_values_in_any_fragments(document: Document) -> None:
    """However the text is cut, the same values close in the same order, and the same mistake ends it."""
    ending, closed = _closings(document.type, document.fragments)
    expected_ending, expected_closed = _closings(document.type, list(document.text))

    assert ending == expected_ending
    if isinstance(ending, str):
        assert closed == expected_closed
    else:  # nothing is returned of the fragment with the mistake
        assert closed == expected_closed[: len(closed)]


def _closings(type_: Any, fragments: list[str]) -> tuple[str | tuple[str, str], list[tuple[str, str]]]:
    partials = Partials(type_)
    changes: list[Change] = []
    ending: str | tuple[str, str]
    try:
        for fragment in fragments:
            changes += partials.feed(fragment)
        ending = "".join(sorted(repr(partials.finish())))  # a set has no order
    except Invalid as error:
        ending = error.path, error.rule
    closed = [change.path for change in changes if change.closed]
    return ending, [(path, json.dumps(_at(partials.live, path))) for path in closed]


@promise
@given(valid_documents(after=","))
def test_linear(document: Document) -> None:
    """A fragment costs what it brings and what it closes: the same calls, the same text judged, at any time."""
    partials: Partials[Any] = Partials(list[document.type])  # type: ignore[name-defined]
    partials.feed("[")

    _feed(partials, document.fragments)  # compiles the plans
    early = _work(partials, document.fragments)
    for _ in range(5):
        _feed(partials, document.fragments)

    assert _work(partials, document.fragments) == early


def _feed(partials: Partials[Any], fragments: list[str]) -> None:
    for fragment in fragments:
        partials.feed(fragment)


def _work(partials: Partials[Any], fragments: list[str]) -> Counter[str]:
    """Count the calls, and the bytes given to validators, that some fragments cost."""
    counted: Counter[str] = Counter()

    def count(frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call":
            counted[argument.__name__] += 1
        elif event == "call":
            counted[frame.f_code.co_name] += 1
            if frame.f_code.co_name == "find_error":
                counted["bytes judged"] += len(frame.f_locals["text"])

    before = sys.getprofile()
    gc.disable()  # its callbacks are calls too
    sys.setprofile(count)
    try:
        _feed(partials, fragments)
    finally:
        sys.setprofile(before)
        gc.enable()
    return counted


def test_memory_is_the_text_and_the_object() -> None:
    """Nothing is kept for a fragment: character by character leaves as much behind as all at once."""
    text = json.dumps([{"name": "some name", "sizes": [1, 2.5, None]} for _ in range(500)])
    assert _kept(list(text)) <= _kept([text]) * 1.02


def _kept(fragments: list[str]) -> int:
    partials: Partials[Any] = Partials(list[dict[str, Any]])
    partials.feed("")
    tracemalloc.start()
    for fragment in fragments:
        partials.feed(fragment)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept
