"""Partial objects of a Pydantic type from growing JSON. A library of its own: it needs Pydantic and nothing else."""

from .changes import Change, applied, escape, pointer, unescape
from .judging import Invalid
from .partials import Partials
from .plans import has_hidden
from .reader import NotJson

__all__ = ["Change", "Invalid", "NotJson", "Partials", "applied", "escape", "has_hidden", "pointer", "unescape"]
