"""What the values have in common that a team's own modules see: each is a frozen dataclass, and is one of these."""

from dataclasses import Field, fields
from typing import Any


class Value:
    """Equal to another of its class with equal members, and shown with these.

    A dataclass would have methods of its own for that, which take two fifths of the time to make it, at every start:
    declare it with ``eq=False, repr=False``. A field that is not compared or shown says so as in any dataclass.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash(self._compared())

    def __repr__(self) -> str:
        members = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in self._fields() if field.repr)
        return f"{type(self).__qualname__}({members})"

    def _compared(self) -> tuple[object, ...]:
        return tuple(getattr(self, field.name) for field in self._fields() if field.compare)

    def _fields(self) -> tuple[Field[Any], ...]:
        return fields(self)  # type: ignore[arg-type]  # it is a dataclass
