"""The keys of the arguments, as a Python program writes them and as configuration and other languages do."""

from typing import Any, Required, TypedDict, cast

import pulumi
import pytest

from components import InvalidArgument, StreamingLlmApiArgs
from components.contract import ANY_KEY, Shape, camel
from components.keys import SHAPE, shape_of, with_names
from components.parsing import checked


class Part(TypedDict, total=False):
    some_name: Required[pulumi.Input[str]]
    texts: list[pulumi.Input[str]]


class Whole(TypedDict, total=False):
    part: Required[Part]


@pytest.mark.parametrize(
    ("hint", "shape"),
    [
        (Part, {"some_name": None, "texts": None}),
        (Whole, {"part": {"some_name": None, "texts": None}}),
        (list[Part], [{"some_name": None, "texts": None}]),
        (dict[str, Part], {ANY_KEY: {"some_name": None, "texts": None}}),
        (dict[str, list[Part]], {ANY_KEY: [{"some_name": None, "texts": None}]}),
        (dict[str, dict[str, Any]], None),
    ],
)
def test_a_shape_follows_from_the_annotation(hint: object, shape: Shape) -> None:
    assert shape_of(hint) == shape


def test_the_shape_has_every_argument_and_the_members_of_each_group() -> None:
    assert isinstance(SHAPE, dict)
    assert list(SHAPE) == list(StreamingLlmApiArgs.__annotations__)
    assert list(SHAPE["dashboard"]) == ["input_price", "output_price", "prices"]
    assert list(SHAPE["dashboard"]["prices"][ANY_KEY]) == ["input", "output", "cache_read", "cache_write"]
    assert list(SHAPE["statements"][0]) == ["actions", "resources", "effect", "condition"]


def _unknown_keys(shape: object, place: str = "", *, is_inside: bool = False) -> list[tuple[list[object], str]]:
    """Return, for every object in the shape, the way to a key in it that does not exist; and the object's path."""
    if isinstance(shape, list):
        return [([0, *way], path) for way, path in _unknown_keys(shape[0], f"{place}[0]", is_inside=True)]
    if not isinstance(shape, dict):
        return []
    below = [(name, inner) for name, inner in shape.items() if isinstance(inner, dict | list)]
    found: list[tuple[list[object], str]] = [(["nonsense"], place)] if is_inside and ANY_KEY not in shape else []
    for name, inner in below:
        path = f"{place}.{name}" if place else name
        found += [([name, *way], at) for way, at in _unknown_keys(inner, path, is_inside=True)]
    return found


def _given(way: list[object]) -> object:
    head, *rest = way
    inner = _given(rest) if rest else 1
    return [inner] if head == 0 else {head: inner}


@pytest.mark.parametrize(("way", "path"), _unknown_keys(SHAPE))
def test_no_object_takes_a_key_that_it_does_not_have(way: list[object], path: str) -> None:
    """In a program, and in camel case."""
    with pytest.raises(InvalidArgument) as in_program:
        checked(cast("StreamingLlmApiArgs", _given(way)))
    with pytest.raises(InvalidArgument) as elsewhere:
        with_names(
            cast("dict[str, object]", _given([camel(step) if isinstance(step, str) else step for step in way])), camel
        )

    assert str(in_program.value).startswith(f"{path}.nonsense: there is no such argument. {path} has ")
    assert str(elsewhere.value).startswith(f"{camel(path)}.nonsense: there is no such argument. {camel(path)} has ")
