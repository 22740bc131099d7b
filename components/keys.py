"""The keys of the arguments at every depth: what the caller wrote becomes the names that the component reads."""

from collections.abc import Callable, Mapping
from typing import Final, Required, cast, get_args, get_origin, is_typeddict

from .arguments import StreamingLlmApiArgs
from .contract import ANY_KEY, ArgumentError, Shape, named
from .values import InvalidArgument, without_output


def shape_of(hint: object) -> Shape:
    """Return the shape of what has this annotation: the names of a TypedDict, also in a list or below any key."""
    kind = without_output(hint)
    if is_typeddict(kind):
        return {name: shape_of(inner) for name, inner in kind.__annotations__.items()}
    inner = shape_of(get_args(kind)[-1]) if get_origin(kind) in (Required, list, dict) else None
    if inner is None or get_origin(kind) is Required:
        return inner
    return [inner] if get_origin(kind) is list else {ANY_KEY: inner}


SHAPE: Final = shape_of(StreamingLlmApiArgs)
"""The names of all arguments, and of the members of those that are objects."""


def with_names(given: Mapping[str, object], spell: Callable[[str], str]) -> StreamingLlmApiArgs:
    """Return the arguments by their names. ``spell`` returns the key for a name, as this way in writes it.

    Raises:
        InvalidArgument: a key, also one inside the value of another, is the name of no argument.
    """
    try:
        return cast("StreamingLlmApiArgs", named(SHAPE, given, spell))
    except ArgumentError as error:
        raise InvalidArgument(str(error)) from None
