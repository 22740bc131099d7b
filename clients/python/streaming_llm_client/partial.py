"""What a stream yields: the object so far."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from .events import Change
from .growing import Growing

T = TypeVar("T")


class Partial(Generic[T]):
    """The object so far, after one event. The next event grows it in place: copy what you want to keep."""

    def __init__(self, growing: Growing, changes: Sequence[Mapping[str, Any]]) -> None:
        """Show what has grown, and by which changes of the event."""
        self._growing = growing
        self._changes = changes

    @property
    def value(self) -> Any:  # noqa: ANN401 - any JSON value
        """The object so far, as JSON values: the model's own, before a class could add defaults to it.

        It is not validated as a whole, only what is closed. Reading it joins the texts that still grow: in a loop over
        a long text, read what you show with ``get``.
        """
        return self._growing.value

    def get(self, pointer: str, default: Any = None) -> Any:  # noqa: ANN401 - any JSON value
        """Return the value at a JSON Pointer (RFC 6901), such as ``/items/0/name``; ``default`` if there is none yet.

        Raises:
            ValueError: it is not a JSON Pointer.
        """
        return self._growing.get(pointer, default)

    def is_closed(self, pointer: str) -> bool:
        """Return whether the value at a JSON Pointer is valid and final, with everything inside it."""
        return self._growing.is_closed(pointer)

    @cached_property
    def changes(self) -> Sequence[Change]:
        """What this event has changed, in order."""
        known = ({name: change[name] for name in Change.model_fields if name in change} for change in self._changes)
        return [Change.model_construct(_fields_set=set(members), **members) for members in known]
