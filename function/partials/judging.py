"""Judging: who may still claim a value of the document."""

from typing import Any, Final

from pydantic import ValidationError

from .changes import Json, escape
from .plans import BRIEF, Plan, Shape

Mistake = tuple[str, str]
"""Path and rule."""
_MISSING: Final = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})


class Invalid(ValueError):
    """A value of the document breaks its schema: ``path`` is an RFC 6901 pointer, ``rule`` Pydantic's error type."""

    closed_before = 0
    """Values that closed in the fragment of the mistake, before it."""

    def __init__(self, path: str, rule: str) -> None:
        """Name the place and the rule, never the value."""
        super().__init__(path, rule)
        self.path = path
        self.rule = rule


def mistake(error: ValidationError, path: str, value: object) -> Mistake:
    """Return where in the document a validator's first error lies, and its rule.

    Pydantic's locations also name members of unions and kinds of steps: what is not in the value is left out, but for
    the name of a field that is missing.
    """
    first = error.errors(**BRIEF)[0]
    node: Json = value
    step: Json
    for step in first["loc"]:
        if (isinstance(node, dict) and step in node) or (
            isinstance(node, list) and isinstance(step, int) and 0 <= step < len(node)
        ):
            node = node[step]
        elif first["type"] not in _MISSING or step is not first["loc"][-1]:
            continue
        path += "/" + escape(str(step))
    return path, first["type"]


class Frame:
    """A container that is open in the document: its node, the key being read, and all ways to read it."""

    __slots__ = (
        *("begun", "choices", "claims", "items", "judged", "key", "node", "only"),
        *("outer", "path", "proving", "seen", "shape", "sure", "way"),
    )

    def __init__(self, node: Json, outer: "Frame | None", path: str, *, items: bool, judged: bool) -> None:
        self.node = node
        self.outer: Any = outer
        """The frame around; None around the root."""
        self.path = path
        self.items = items
        self.judged = judged
        """Every way to read this container can judge what is inside."""
        self.key: Any = None
        self.begun = False
        self.sure = judged
        """The same, for the value at the key."""
        self.choices: list[Choice] = []
        self.claims: list[Claim] = []
        """What the choices say of the value at the key."""
        self.shape: Shape | None = None
        """The quick way, nearly always: there is one choice, its shape names a plan for a key, and that is ``only``."""
        self.only: Plan | None = None
        """The one plan of the value at the key, while nothing but it has to be said."""
        self.way: Plan | None = None
        """The one choice's plan, while nothing but it has to be said: the choice is not made yet."""
        self.proving: Shape | None = None
        """The shape, if its valid members prove the container as long as the quick way is not left."""
        self.seen = 0
        """Required keys that the quick way has met."""

    def find_shape(self) -> None:
        """See whether the quick way can be taken."""
        if len(self.choices) == 1:
            plan = self.choices[0].plan
            self.shape = plan.quick_items if self.items else plan.quick_fields

    def claim(self) -> None:
        """Leave the quick way: more has to be said of the value at the key."""
        if self.only is not None:
            self.claims = [Claim(self.only, self.ways())]
            self.only = None

    def ways(self) -> "list[Choice]":
        """Leave the quick way: return the choices there are, more has to be said of them."""
        if self.way is not None:
            self.outer.claim()
            [claim] = self.outer.claims
            claim.choices = self.choices = [Choice(self.way, claim)]
            self.way = None
        return self.choices

    def grow(self, piece: str) -> None:
        """Append to the string at the key, in place: while no one else holds it, CPython does not copy it."""
        node, key = self.node, self.key
        text = node[key]
        node[key] = None
        text += piece
        node[key] = text

    def proven(self) -> bool:
        """Tell, when it closes, whether the quick way was left nowhere and nothing but its members has to be judged."""
        shape = self.proving
        return shape is not None and self.way is not None and shape.complete(self.seen, len(self.node))

    def put(self, value: object) -> None:
        """Set the value at the key."""
        if self.items and self.key == len(self.node):
            self.node.append(value)
        else:
            self.node[self.key] = value


class Claim:
    """What a plan says of one value: it holds while one of its choices is alive."""

    __slots__ = ("alive", "choices", "parents", "plan")

    def __init__(self, plan: "Plan", parents: "list[Choice]") -> None:
        self.plan = plan
        self.parents = parents
        self.choices: list[Choice] = []
        self.alive = 1

    def wait(self) -> bool:
        """Leave the judgement to the containers around."""
        for parent in self.parents:
            parent.unproven = True
        return False


class Choice:
    """One way to read a container: the member of a union, or the only plan there is."""

    __slots__ = ("claim", "dead", "members", "plan", "seen", "unproven")

    def __init__(self, plan: "Plan", claim: Claim) -> None:
        self.plan = plan
        self.claim = claim
        self.dead = False
        self.unproven = False
        """Something inside waits for this container's close."""
        self.seen = 0
        """Required keys so far."""
        self.members: dict[object, tuple[str, object, int, int]] = {}
        """What closed before the tag was known."""
