"""Partial objects of a Pydantic type from growing JSON: shown as far as they are certain, checked as they close.

It stands on its own: Pydantic, the standard library, and reader, errors and events beside it; no settings. What each
part of Pydantic means for a partial is in ``docs/partials.md``.
"""

import json
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Final, Generic, NamedTuple, NoReturn, TypeVar, cast, overload

from pydantic import TypeAdapter, ValidationError
from pydantic_core import CoreConfig, CoreSchema, PydanticOmit, PydanticUseDefault, SchemaError, SchemaValidator

from .errors import AnswerError, AnswerInvalid, AnswerNotJson, StreamError
from .events import Change
from .json_reader import Event, Kind, NotJson, Reader

M = TypeVar("M")
Json = Any
"""A tree of dicts, lists, strings, numbers, booleans and None."""
_Schema = dict[str, Any]
_Mistake = tuple[str, str]
"""Path and rule."""


class Partials(Generic[M]):
    """The growing object of one JSON document, checked against a model or any type that Pydantic knows.

    ``feed`` takes the text in fragments cut anywhere and costs time proportional to the fragment and to the values
    that it closes, whatever came before. Memory is the document's text and the object. All values are the document's
    own, as ``json.loads`` would give them, under the keys of the document.

    The first mistake raises ``AnswerNotJson`` or ``AnswerInvalid``; from then on every call raises it again.

    >>> from pydantic import BaseModel
    >>> class Recipe(BaseModel):
    ...     title: str
    ...     minutes: int
    >>> partials = Partials(Recipe)
    >>> partials.feed('{"title": "Panca')
    [Change(path='', ..., value={}, closed=False), Change(path='/title', ..., value='Panca', closed=False)]
    >>> partials.snapshot
    {'title': 'Panca'}
    >>> partials.feed('kes", "minutes": 2')
    [Change(path='/title', append='kes', value=None, closed=True)]
    >>> partials.feed('5}')[0]
    Change(path='/minutes', append=None, value=25, closed=True)
    >>> partials.finish()
    Recipe(title='Pancakes', minutes=25)
    """

    @overload
    def __init__(self, type_: type[M]) -> None: ...
    @overload
    def __init__(self: "Partials[Any]", type_: object) -> None: ...
    def __init__(self, type_: object) -> None:
        self._book = _book_of(_Same(type_))
        self._reader = Reader()
        self._root: list[object] = [None]
        self._frame = _Frame(self._root, None, "", items=False, judged=True)
        """The innermost container that is open."""
        self._frame.key = 0
        self._frame.only = self._book.root
        self._failure: StreamError | None = None
        self._room = 0
        self._path = ""
        self._held: list[str] = []

    @property
    def live(self) -> object:
        """The object as far as it is certain, without copying: read it before the next ``feed``, do not change it."""
        self._settle_held()
        return self._root[0]

    @property
    def snapshot(self) -> object:
        """The object as far as it is certain; None before its first character.

        Only the containers that are still open are copied (time proportional to their widths); closed ones are
        shared between snapshots and must not be changed.
        """
        if self._held:
            self._settle_held()
        frame = self._frame
        inner = frame.node.copy()
        while frame.outer is not None:
            frame = frame.outer
            copy = frame.node.copy()
            copy[frame.key] = inner
            inner = copy
        return inner[0]

    @property
    def whole(self) -> bool:
        """The root value is closed: only white space may follow. A bare number is closed by white space or the end."""
        return self._reader.whole

    @property
    def between_tokens(self) -> bool:
        """White space may be put in at this point of the text without changing a value."""
        return self._reader.between_tokens

    def feed(self, text: str) -> list[Change]:
        """Read on; return what changed, in the order of the text.

        Raises:
            AnswerNotJson: the text can no longer become one JSON document.
            AnswerInvalid: a value that closed breaks the schema, or no value of its JSON type can keep it.
        """
        # Nearly all of prose lies inside a string: four calls in C rule out that anything opens, closes or is wrong.
        room = self._room - len(text)
        if room >= 0 and '"' not in text and "\\" not in text and text.isprintable() and text:
            self._room = room
            self._held.append(text)
            return [_tuple(Change, (self._path, text, None, False))]
        if self._failure is not None:
            self._raise_again()
        if self._held:
            self._settle_held()
        self._room = 0
        changes: list[Change] = []
        try:
            try:
                events = self._reader.feed(text)
            except NotJson as error:
                self._broken(error, changes)
            self._take(events, changes)
        except AnswerError as failure:
            failure.closed_before = sum(change.closed for change in changes)
            raise
        if events:
            _, kind, path, _, _, end = events[-1]
            if end < 0 and kind == "string":  # it lies open
                self._room, self._path = self._reader.room, path
        return changes

    def _settle_held(self) -> None:
        """Take the pieces of the open string that have been told of into the text and the object, all in one go."""
        if self._held:
            piece = "".join(self._held)
            self._held.clear()
            self._reader.grow(piece)
            self._frame.grow(piece)

    def finish(self) -> M:
        """Say that no more text comes; return the validated object, as ``model_validate_json`` does of the whole text.

        Raises:
            AnswerNotJson: the document is not whole.
            AnswerInvalid: the document breaks the schema.
        """
        self._raise_again()
        self._settle_held()
        self._room = 0
        try:
            self._take(self._reader.finish(), [])
        except NotJson as error:
            self._broken(error, [])
        try:
            return cast(M, self._book.validate(bytes(self._reader.text)))
        except ValidationError as error:
            self._fail(_mistake(error, "", self._root[0]))
            raise AssertionError from error

    def _raise_again(self) -> None:
        if self._failure is not None:
            raise self._failure.with_traceback(None)

    def _broken(self, error: NotJson, changes: list[Change]) -> None:
        self._take(error.before, changes)
        self._failure = AnswerNotJson(str(error))
        raise self._failure from error

    def _fail(self, mistake: _Mistake) -> NoReturn:
        self._failure = AnswerInvalid(*mistake)
        raise self._failure

    def _take(self, events: list[Event], changes: list[Change]) -> None:  # noqa: C901, PLR0912 no call for what is usual: hot
        """Grow the object by what happened and check what closed."""
        frame = self._frame
        for what, kind, path, value, start, end in events:
            if what == "key":
                frame.key = value
                shape = frame.shape
                plan = shape.fields.get(value, shape.rest) if shape is not None else None
                if type(plan) is _Plan:
                    frame.only = plan
                    frame.sure = frame.judged
                    if shape is not None and value in shape.required:
                        frame.seen += 1
                else:
                    self._expect(frame, path, start, end)
            elif what == "value" or (kind == "string" and what == "closed"):
                whole = value
                if what == "closed":
                    whole = frame.node[frame.key] + value
                elif frame.items and not frame.begun:
                    self._begin_item(frame, path)
                plan = frame.only
                if plan is not None and (type(whole) in plan.proves or whole in plan.proves):
                    frame.begun = False
                    sure = frame.sure
                else:
                    sure = self._close_scalar(frame, kind, path, whole, start, end)
                if frame.items:
                    frame.put(whole)
                else:
                    frame.node[frame.key] = whole
                changes.append(
                    _tuple(Change, (path, value, None, sure) if what == "closed" else (path, None, value, sure))
                )
            elif what == "opened":
                if frame.items:
                    self._begin_item(frame, path)
                if frame.only is None or kind not in frame.only.takes:
                    frame = self._open(frame, kind, path, value, changes)
                elif kind == "string":
                    frame.put(value)
                    changes.append(_tuple(Change, (path, None, value, False)))
            elif what == "grew":
                frame.grow(value)
                changes.append(_tuple(Change, (path, value, None, False)))
            else:
                inner = frame
                self._frame = frame = inner.outer
                frame.begun = False
                if frame.sure if inner.proven() else self._close_container(inner, frame, path, start, end):
                    changes.append(_tuple(Change, (path, "", None, True)))

    def _begin_item(self, frame: "_Frame", path: str) -> None:
        """Expect the next item of an array."""
        frame.begun = True
        frame.key = len(frame.node)
        shape = frame.shape
        plan = shape.fields.get(frame.key, shape.rest) if shape is not None else None
        if type(plan) is _Plan:
            frame.only = plan
            frame.sure = frame.judged
        else:
            self._expect(frame, path, -1, -1)

    def _expect(self, frame: "_Frame", path: str, start: int, end: int) -> None:
        """Find out what may stand at the frame's new key; ``start`` and ``end`` say where an object's key is."""
        frame.sure = frame.judged
        frame.only = None
        claims: dict[_Plan, _Claim] = {}
        for choice in frame.ways():
            if choice.dead:
                continue
            child = self._child(choice, frame, path, start, end)
            if child is None:
                frame.sure = False
            elif child in claims:
                claims[child].parents.append(choice)
            else:
                claims[child] = _Claim(child, [choice])
        frame.claims = [claim for claim in claims.values() if any(not parent.dead for parent in claim.parents)]

    def _child(self, choice: "_Choice", frame: "_Frame", path: str, start: int, end: int) -> "_Plan | None":
        """Return the plan of the frame's current key in this choice; None where judgement has to wait."""
        shape = choice.plan.items if frame.items else choice.plan.fields
        if shape is None:
            return None
        if frame.items and shape.high is not None and frame.key >= shape.high:
            return None
        if frame.key in shape.required:
            choice.seen += 1
        child = shape.fields.get(frame.key, shape.rest)
        if isinstance(child, str):
            self._refute(choice, (path, child))
            return None
        if shape.keys is not None:
            error = shape.keys.judge(b"{" + self._reader.text[start:end] + b":null}")
            if isinstance(error, ValidationError):
                self._refute(choice, (path, error.errors(**_BRIEF)[0]["type"]))
            choice.unproven |= error is not None
        choice.unproven |= child is None
        return child

    def _open(self, frame: "_Frame", kind: Kind, path: str, value: object, changes: list[Change]) -> "_Frame":
        """Show what opened, unless no plan takes its like; return the frame that is now the innermost."""
        plan = frame.only
        if kind in _CONTAINERS:
            items = kind == "array"
            node: Any = [] if items else {}
            inner = _Frame(node, frame, path, items=items, judged=frame.sure)
            if plan is not None:
                inner.way, inner.shape, inner.proving = plan.entry(kind)
            if inner.way is None:
                self._claim(frame, inner, kind, path)
            frame.put(node)
            self._frame = inner
            changes.append(_tuple(Change, (path, None, node.copy(), False)))
            return inner
        frame.claim()
        self._rule_out(frame.claims, kind, path)
        if kind == "string":
            frame.put(value)
            changes.append(_tuple(Change, (path, None, value, False)))
        return frame

    def _claim(self, frame: "_Frame", inner: "_Frame", kind: Kind, path: str) -> None:
        """Find all ways to read what opened."""
        frame.claim()
        self._rule_out(frame.claims, kind, path)
        for claim in frame.claims:
            claim.choices = [_Choice(plan, claim) for plan in claim.plan.opening(kind)[0]]
            claim.alive = len(claim.choices)
            inner.choices += claim.choices
        inner.find_shape()

    def _rule_out(self, claims: "list[_Claim]", kind: Kind, path: str) -> None:
        """Refuse the plans that take no value of a JSON type."""
        for claim in claims:
            _, rule = claim.plan.opening(kind)
            if rule is not None:
                self._refuse(claim, (path, rule))

    def _close_scalar(  # noqa: PLR0913, PLR0917 the parts of an event
        self, frame: "_Frame", kind: Kind, path: str, value: object, start: int, end: int
    ) -> bool:
        """Check a string, number or literal; say whether it is proven valid."""
        frame.begun = False
        sure = frame.sure
        if frame.only is not None and frame.only.accepts(self._reader.text[start:end]):
            return sure
        frame.claim()
        unproven = [claim for claim in frame.claims if type(value) not in claim.plan.proves]
        self._rule_out(unproven, kind, path)  # first, as where the value was cut: the same mistake is reported
        for claim in unproven:
            if claim.plan.waits and claim.parents:
                sure = claim.wait()
            elif not self._check(claim, path, value, start, end):
                sure = claim.wait() if claim.alive else sure
        return self._note(frame, path, value, start, end) or sure

    def _check(self, claim: "_Claim", path: str, value: object, start: int, end: int) -> bool:
        """Run the claim's validator on a slice of the text; say whether it is valid for sure."""
        error = claim.plan.judge(self._reader.text[start:end])
        if isinstance(error, ValidationError):
            self._refuse(claim, _mistake(error, path, value))
        return error is None

    def _close_container(self, frame: "_Frame", outer: "_Frame", path: str, start: int, end: int) -> bool:
        """Check an object or array; say whether it is proven valid."""
        sure = outer.sure
        frame.ways()
        for claim in outer.claims:
            for choice in claim.choices:
                if not choice.dead:
                    self._settle(choice, frame, start, end)
            if not claim.alive:
                continue
            plan = claim.plan
            if plan.waits and claim.parents:
                sure = claim.wait()
            elif plan.whole and plan.members != (plan,):
                sure = (self._check(claim, path, frame.node, start, end) or claim.wait()) and sure
            elif any(choice.unproven for choice in claim.choices if not choice.dead):
                sure = claim.wait()
            claim.choices = []
        return self._note(outer, path, frame.node, start, end) or sure

    def _settle(self, choice: "_Choice", frame: "_Frame", start: int, end: int) -> None:
        """Judge one way to read a container that closes."""
        plan = choice.plan
        outermost = not choice.claim.parents
        if plan.waits and not outermost:
            return  # so does the claim
        shape = plan.items if frame.items else plan.fields
        proven = shape is not None and not plan.whole and shape.complete(choice.seen + frame.seen, len(frame.node))
        if proven and not (choice.unproven and (outermost or (shape is not None and shape.record))):
            return
        error = plan.judge(self._reader.text[start:end])
        choice.unproven = error is not None
        if isinstance(error, ValidationError):
            self._refute(choice, _mistake(error, frame.path, frame.node))

    def _note(self, frame: "_Frame", path: str, value: object, start: int, end: int) -> bool:
        """Remember a closed member of an object whose tag is not known yet; say whether it is now proven."""
        proven = False
        for choice in frame.choices:
            if choice.plan.tag is not None and not choice.dead:
                choice.members[frame.key] = (path, value, start, end)
                while choice.plan.tag is not None and choice.plan.tag.key in choice.members and not choice.dead:
                    self._choose(choice, frame)
                proven = self._replay(choice) and frame.judged and len(frame.choices) == 1
        return proven

    def _choose(self, choice: "_Choice", frame: "_Frame") -> None:
        """Become the member of a discriminated union that the tag names."""
        tag = cast(_Tag, choice.plan.tag)
        _, _, start, end = choice.members[tag.key]
        chosen = tag.choose(self._reader.text[start:end])
        if isinstance(chosen, ValidationError):
            self._refute(choice, (frame.path, chosen.errors(**_BRIEF)[0]["type"]))
        else:
            choice.plan = chosen
            frame.find_shape()

    def _replay(self, choice: "_Choice") -> bool:
        """Judge the members that closed before the tag; say whether the last one is proven."""
        proven = False
        shape = choice.plan.fields
        if shape is None:
            return proven
        for key, (path, value, start, end) in choice.members.items():
            if choice.dead:
                break
            child = shape.fields.get(key, shape.rest)
            choice.seen += key in shape.required
            if isinstance(child, str):
                self._refute(choice, (path, child))
            elif child is None or child.waits:
                choice.unproven = True
                proven = False
            else:
                error = child.judge(self._reader.text[start:end])
                proven = error is None
                choice.unproven |= not proven
                if isinstance(error, ValidationError):
                    self._refute(choice, _mistake(error, path, value))
        return proven and not choice.dead

    def _refuse(self, claim: "_Claim", mistake: _Mistake) -> None:
        """The value breaks this plan; and with it whatever wanted the plan."""
        claim.alive = 0
        if not claim.parents:
            self._fail(mistake)
        for parent in claim.parents:
            self._refute(parent, mistake)

    def _refute(self, choice: "_Choice", mistake: _Mistake) -> None:
        """The container cannot be read this way; with the last way its claim fails."""
        if not choice.dead:
            choice.dead = True
            choice.claim.alive -= 1
            if not choice.claim.alive:
                self._refuse(choice.claim, mistake)


def applied(changes: Iterable[Change], tree: Json = None) -> Json:
    """Apply changes in their order to a tree of dicts and lists, in place, and return its root.

    This is how a reader at the other end of a wire rebuilds the object: all changes of a document, in order, applied
    to None give its last snapshot.
    """
    root = [tree]
    for change in changes:
        node: Any = root
        key: Any = 0
        for step in change.path.split("/")[1:]:
            node = node[key]
            key = int(step) if isinstance(node, list) else step.replace("~1", "/").replace("~0", "~")
        if change.append is None:
            value: Any = change.value
            _put(node, key, value.copy() if isinstance(value, (dict, list)) else value)
        elif change.append:
            node[key] += change.append
    return root[0]


def _put(node: Json, key: Json, value: object) -> None:
    if isinstance(node, list) and key == len(node):
        node.append(value)
    else:
        node[key] = value


def _mistake(error: ValidationError, path: str, value: object) -> _Mistake:
    """Return where in the document a validator's first error lies, and its rule.

    Pydantic's locations also name members of unions and kinds of steps: what is not in the value is left out, but for
    the name of a field that is missing.
    """
    first = error.errors(**_BRIEF)[0]
    node: Json = value
    step: Json
    for step in first["loc"]:
        if (isinstance(node, dict) and step in node) or (
            isinstance(node, list) and isinstance(step, int) and 0 <= step < len(node)
        ):
            node = node[step]
        elif first["type"] not in _MISSING or step is not first["loc"][-1]:
            continue
        path += "/" + str(step).replace("~", "~0").replace("/", "~1")
    return path, first["type"]


class _Frame:
    """A container that is open in the document: its node, the key being read, and all ways to read it."""

    __slots__ = (
        *("begun", "choices", "claims", "items", "judged", "key", "node", "only"),
        *("outer", "path", "proving", "seen", "shape", "sure", "way"),
    )

    def __init__(self, node: Json, outer: "_Frame | None", path: str, *, items: bool, judged: bool) -> None:
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
        self.choices: list[_Choice] = []
        self.claims: list[_Claim] = []
        """What the choices say of the value at the key."""
        self.shape: _Shape | None = None
        """The quick way, nearly always: there is one choice, its shape names a plan for a key, and that is ``only``."""
        self.only: _Plan | None = None
        """The one plan of the value at the key, while nothing but it has to be said."""
        self.way: _Plan | None = None
        """The one choice's plan, while nothing but it has to be said: the choice is not made yet."""
        self.proving: _Shape | None = None
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
            self.claims = [_Claim(self.only, self.ways())]
            self.only = None

    def ways(self) -> "list[_Choice]":
        """Leave the quick way: return the choices there are, more has to be said of them."""
        if self.way is not None:
            self.outer.claim()
            [claim] = self.outer.claims
            claim.choices = self.choices = [_Choice(self.way, claim)]
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
        if self.items and self.key == len(self.node):
            self.node.append(value)
        else:
            self.node[self.key] = value


class _Claim:
    """What a plan says of one value: it holds while one of its choices is alive."""

    __slots__ = ("alive", "choices", "parents", "plan")

    def __init__(self, plan: "_Plan", parents: "list[_Choice]") -> None:
        self.plan = plan
        self.parents = parents
        self.choices: list[_Choice] = []
        self.alive = 1

    def wait(self) -> bool:
        """Leave the judgement to the containers around."""
        for parent in self.parents:
            parent.unproven = True
        return False


class _Choice:
    """One way to read a container: the member of a union, or the only plan there is."""

    __slots__ = ("claim", "dead", "members", "plan", "seen", "unproven")

    def __init__(self, plan: "_Plan", claim: _Claim) -> None:
        self.plan = plan
        self.claim = claim
        self.dead = False
        self.unproven = False
        """Something inside waits for this container's close."""
        self.seen = 0
        """Required keys so far."""
        self.members: dict[object, tuple[str, object, int, int]] = {}
        """What closed before the tag was known."""


class _Shape:
    """What may stand in a container: plans by key or index, and for the rest a plan, a rule, or None (wait)."""

    __slots__ = ("fields", "high", "keys", "low", "record", "required", "rest", "whole")

    def __init__(self, rest: "_Plan | str | None", *, record: bool = False, whole: bool = False) -> None:
        self.fields: dict[object, _Plan | None] = {}
        self.rest = rest
        self.record = record
        """It is what validators with ``info`` look at."""
        self.whole = whole
        """Nothing but its own validator proves it."""
        self.required: frozenset[object] = frozenset()
        self.keys: _Plan | None = None
        self.low = 0
        self.high: int | None = None

    def complete(self, seen: int, length: int) -> bool:
        """Tell whether valid members prove the container."""
        enough = seen == len(self.required) and length >= self.low
        return enough and not self.whole and (self.high is None or length <= self.high)


class _Tag:
    """The discriminator of a union: the key it is read from, and which plan a tag chooses."""

    def __init__(self, book: "_Book", schema: _Schema, config: _Schema, key: str) -> None:
        self.key = key
        self._prefix = f"{{{json.dumps(key)}:".encode()
        self._plans = [book.plan(choice, config) for choice in schema["choices"].values()]
        numbered = {
            tag: {"type": "function-plain", "function": {"type": "no-info", "function": lambda _, n=number: n}}
            for number, tag in enumerate(schema["choices"])
        }
        self._number = SchemaValidator(cast(Any, {**schema, "choices": numbered}), cast(CoreConfig, config))

    def choose(self, text: bytearray) -> "_Plan | ValidationError":
        """Return the plan for a tag as it was written."""
        try:
            plan: _Plan = self._plans[self._number.validate_json(self._prefix + text + b"}")]
        except ValidationError as error:
            return error
        ways, _ = plan.opening("object")
        if len(ways) == 1 and (plan.members == (plan,) or not plan.whole):
            return ways[0]
        return plan.closed()


class _Core(NamedTuple):
    """A schema without the wrappers that leave the shape of a value alone, and what they mean for it."""

    schema: _Schema
    config: _Schema
    opaque: bool
    """Functions may change or forgive what is inside: nothing is known before the close."""
    whole: bool
    """A function has a say when the value closes."""


class _Plan:
    """One position of a schema: what proves a value, what it may open with, and its validator. Made on first sight."""

    def __init__(self, book: "_Book", schema: _Schema, config: _Schema, *, closed: bool = False) -> None:
        self._book = book
        self._schema = schema
        self._config = config
        self._closed = closed
        self._openings: dict[Kind, tuple[tuple[_Plan, ...], str | None]] = {}
        self._entries: dict[Kind, tuple[_Plan | None, _Shape | None, _Shape | None]] = {}

    @cached_property
    def core(self) -> _Core:
        return self._book.peel(self._schema, self._config)

    @cached_property
    def waits(self) -> bool:
        """A function looks beyond the value: only an enclosing object's validator can judge."""
        return self._book.waits(self._schema)

    @cached_property
    def whole(self) -> bool:
        return self.core.whole

    @cached_property
    def plain(self) -> bool:
        """Valid members prove a value: no function has a say, nothing waits."""
        return not (self.whole or self.waits)

    @cached_property
    def opaque(self) -> bool:
        """Nothing is judged before the close."""
        core = self.core
        if self._closed or core.opaque:
            return True
        kind = core.schema["type"]
        if kind in ("union", "tagged-union"):
            untold = kind == "tagged-union" and self._book.tag_key(core.schema) is None
            return untold or bool(core.schema.get("custom_error_type"))
        return kind not in _SHAPES and kind not in _LEAVES and kind not in ("nullable", "literal", "enum")

    @cached_property
    def members(self) -> "tuple[_Plan, ...]":
        """The members of a union, those of its unions included; else the plan itself."""
        schema, config = self.core.schema, self.core.config
        if self.opaque:
            return (self,)
        if schema["type"] == "tagged-union" and schema is not self._schema:
            return (self._book.plan(schema, config),)
        if schema["type"] == "nullable":
            choices = [schema["schema"], {"type": "none"}]  # its mistakes are those of what it wraps
        elif schema["type"] == "union":
            choices = [choice[0] if isinstance(choice, tuple) else choice for choice in schema["choices"]]
        else:
            return (self,)
        plans = [self._book.plan(choice, config) for choice in choices]
        flat: list[_Plan] = []
        for plan in plans:
            if plan.members == (plan,) or not (plan.whole or plan.waits):
                flat += plan.members
            else:
                flat.append(plan.closed())
        return tuple(flat)

    def closed(self) -> "_Plan":
        """Return a plan of the same position that judges nothing before the close."""
        return _Plan(self._book, self._schema, self._config, closed=True)

    @cached_property
    def proves(self) -> frozenset[object]:
        """JSON values of these types are valid, whatever they are; and so are these strings."""
        if self.opaque or self.whole:
            return frozenset()
        if self.members != (self,):
            return frozenset[object]().union(*(member.proves for member in self.members))
        schema, config = self.core.schema, self.core.config
        if schema["type"] == "literal":
            return frozenset(value for value in schema["expected"] if type(value) is str)
        constrained = any(schema.get(constraint) is not None for constraint in _CONSTRAINTS) or (
            schema["type"] == "str" and any(config.get(constraint) is not None for constraint in _CONSTRAINTS)
        )
        return frozenset() if constrained else _PROVES.get(schema["type"], frozenset())

    @cached_property
    def fields(self) -> _Shape | None:
        """What may stand in an object; None if that is not known before it closes."""
        return None if self.opaque else self._book.shape(self.core, items=False)

    @cached_property
    def items(self) -> _Shape | None:
        """What may stand in an array; None if that is not known before it closes."""
        return None if self.opaque else self._book.shape(self.core, items=True)

    @cached_property
    def quick_fields(self) -> _Shape | None:
        """The same, if nothing has to be said of a key or index but the plan of what stands there."""
        return self.fields if self.fields is not None and self.fields.keys is None else None

    @cached_property
    def quick_items(self) -> _Shape | None:
        """The same of an array."""
        return self.items if self.items is not None and self.items.high is None else None

    @cached_property
    def tag(self) -> _Tag | None:
        """The discriminator, if this is a union that has one."""
        schema, config = self.core.schema, self.core.config
        if self.opaque or schema["type"] != "tagged-union" or self.members != (self,):
            return None
        return _Tag(self._book, schema, config, cast(str, self._book.tag_key(schema)))

    def entry(self, kind: Kind) -> "tuple[_Plan | None, _Shape | None, _Shape | None]":
        """Return the quick way to read an object or array: its plan, its shape, and the same if it is ``proving``."""
        if kind not in self._entries:
            ways, rule = self.opening(kind)
            way = ways[0] if rule is None and len(ways) == 1 else None
            shape = None if way is None else way.quick_items if kind == "array" else way.quick_fields
            self._entries[kind] = way, shape, shape if way is not None and way.plain and self.plain else None
        return self._entries[kind]

    @cached_property
    def takes(self) -> frozenset[Kind]:
        """JSON types of strings, numbers and literals that it does not refuse at their first character."""
        return frozenset(kind for kind in _SCALARS if self.opening(kind)[1] is None)

    def opening(self, kind: Kind) -> "tuple[tuple[_Plan, ...], str | None]":
        """Return the ways to read a value of a JSON type; if there are none, the rule that every such value breaks."""
        if kind not in self._openings:
            rules = [(member, member._refusal(kind)) for member in self.members]  # noqa: SLF001 its own kind
            ways = tuple(member for member, rule in rules if rule is None)
            self._openings[kind] = ways, None if ways else rules[0][1]
        return self._openings[kind]

    def _refusal(self, kind: Kind) -> str | None:
        """Return the rule that every value of a JSON type breaks, if there is one."""
        if self.opaque:
            return None
        core = self.core
        type_ = core.schema["type"]
        if type_ in ("literal", "enum"):
            return self._refusal_of_values(kind)
        if type_ in _SHAPES:
            if kind in _SHAPES[type_]:
                return None
            plan = self
        else:
            plan = self._book.plan(core.schema, core.config)
        error = plan.judge(_SAMPLES[kind])
        if not isinstance(error, ValidationError):
            return None
        first = error.errors(**_BRIEF)[0]
        refused = not first["loc"] and (first["type"].endswith("_type") or first["type"] == "none_required")
        return first["type"] if refused else None

    def _refusal_of_values(self, kind: Kind) -> str | None:
        schema = self.core.schema
        is_enum = schema["type"] == "enum"
        if is_enum and schema["cls"]._missing_.__module__ != "enum":
            return None  # a hook of the user's may take any value
        taken: set[Kind] = set()
        for value in [member.value for member in schema["members"]] if is_enum else schema["expected"]:
            if type(value) not in _TAKERS:
                return None
            taken |= _TAKERS[type(value)]
        if is_enum and "number" in taken:
            taken.add("string")
        return None if kind in taken else "enum" if is_enum else "literal_error"

    @cached_property
    def _validate(self) -> Callable[[bytes | bytearray], object]:
        schema = self._book.bound(self._schema)
        return SchemaValidator(cast(CoreSchema, schema), cast(CoreConfig, self._config)).validate_json

    def accepts(self, text: bytes | bytearray) -> bool:
        """Tell whether a value is known to be valid by itself."""
        return not self.waits and self.judge(text) is None

    def judge(self, text: bytes | bytearray) -> Exception | None:
        """Run the validator of this position: None says valid, anything but a ValidationError that it cannot tell."""
        try:
            self._validate(text)
        except (ValidationError, SchemaError, PydanticOmit, PydanticUseDefault) as error:
            return error
        return None


class _Book:
    """All plans of one type."""

    def __init__(self, type_: object) -> None:
        adapter = TypeAdapter[Any](cast(Any, type_))
        self.validate = adapter.validate_json
        self._definitions: dict[str, _Schema] = {}
        self._plans: dict[tuple[int, int], tuple[_Plan, _Schema]] = {}
        self._shapes: dict[tuple[int, bool], _Shape | None] = {}
        self.anything = _Plan(self, {"type": "any"}, {})
        schema = cast(_Schema, adapter.core_schema)
        self.root = self.plan(schema if isinstance(schema, dict) else dict(schema), {})

    def plan(self, schema: _Schema, config: _Schema) -> _Plan:
        """Return the plan of a schema under a model's config, always the same one."""
        key = id(schema), id(config)
        if key not in self._plans:
            self._plans[key] = _Plan(self, schema, config), config
        return self._plans[key][0]

    def peel(self, schema: _Schema, config: _Schema) -> _Core:
        """Take the wrappers off a schema."""
        opaque = whole = False
        while True:
            kind = schema["type"]
            if kind == "definitions":
                self._definitions |= {definition["ref"]: definition for definition in schema["definitions"]}
                schema = schema["schema"]
            elif kind == "definition-ref":
                schema = self._definitions[schema["schema_ref"]]
            elif kind in ("function-after", "function-before", "function-wrap"):
                whole = True
                opaque |= kind != "function-after"
                schema = schema["schema"]
            elif kind == "default":
                opaque |= _forgives(schema)
                schema = schema["schema"]
            elif kind == "lax-or-strict":
                strict = schema.get("strict", config.get("strict", False))
                schema = schema["strict_schema" if strict else "lax_schema"]
            elif kind == "json-or-python":
                schema = schema["json_schema"]
            elif kind in ("model", "dataclass"):
                config = schema.get("config") or _NO_CONFIG
                opaque |= bool(schema.get("custom_init"))
                whole |= _has_post_init(schema)
                schema = schema["schema"]
            else:
                return _Core(schema, config, opaque, whole)

    def tag_key(self, schema: _Schema) -> str | None:
        """Return the key that a discriminated union reads its tag from, if it is a single one."""
        found = schema["discriminator"]
        return found if isinstance(found, str) else None

    def shape(self, core: _Core, *, items: bool) -> _Shape | None:
        """Return what may stand in an object or array of a schema, if that is known."""
        key = id(core.schema), items
        if key not in self._shapes:
            type_ = core.schema["type"]
            build = (self._ARRAYS if items else self._OBJECTS).get(type_)
            self._shapes[key] = build(self, core.schema, core.config) if build else None
        return self._shapes[key]

    def _any(self, schema: _Schema, config: _Schema) -> _Shape:  # noqa: ARG002 one signature for all shapes
        return _Shape(self.anything)

    def _dict(self, schema: _Schema, config: _Schema) -> _Shape:
        shape = _Shape(self._of(schema, "values_schema", config))
        keys = self._of(schema, "keys_schema", config)
        shape.low, shape.high = schema.get("min_length") or 0, schema.get("max_length")
        if str not in keys.proves:
            # Two keys may become one, so nothing but the validator can count them.
            shape.whole = shape.low > 0 or shape.high is not None
            shape.keys = _Plan(self, {"type": "dict", "keys_schema": schema["keys_schema"]}, config)
            if keys.waits:
                shape.keys = shape.rest = None
        return shape

    def _record(self, schema: _Schema, config: _Schema) -> _Shape:
        kind = schema["type"]
        extra = schema.get("extra_behavior") or config.get("extra_fields_behavior") or "ignore"
        shape = _Shape(self.anything, record=True, whole="extras_keys_schema" in schema)
        if extra == "forbid":
            shape.rest = "unexpected_keyword_argument" if kind == "dataclass-args" else "extra_forbidden"
        elif extra == "allow":
            shape.rest = self._of(schema, "extras_schema", config)
        fields = schema["fields"]
        named = [(f["name"], f) for f in fields] if isinstance(fields, list) else list(fields.items())
        total = schema.get("total", config.get("typed_dict_total", True))
        required = set()
        for name, field in named:
            paths = _paths(field, name, config)
            needed = field["schema"]["type"] != "default" and field.get("required", total)
            if field["schema"].get("validate_default", config.get("validate_default")):
                shape.whole = True  # a field that is left out can be wrong too
            for rank, path in enumerate(paths):
                key = path[0]
                sole = rank == 0 and len(path) == 1 and key not in shape.fields and field.get("init", True)
                shape.fields[key] = self.plan(field["schema"], config) if sole else None
                shape.whole |= len(path) > 1
                if sole and needed:
                    required.add(key)
        shape.required = frozenset(required)
        return shape

    def _list(self, schema: _Schema, config: _Schema) -> _Shape:
        shape = _Shape(self._of(schema, "items_schema", config))
        shape.low, shape.high = schema.get("min_length") or 0, schema.get("max_length")
        return shape

    def _set(self, schema: _Schema, config: _Schema) -> _Shape:
        shape = _Shape(self._of(schema, "items_schema", config))
        item = cast(_Plan, shape.rest)
        kinds = {member.core.schema["type"] for member in item.members}
        # Equal items become one, so nothing but the validator can count them.
        counted = bool(schema.get("min_length")) or schema.get("max_length") is not None
        shape.whole = counted or item.opaque or not kinds <= _LEAVES
        if kinds & _UNHASHABLE:
            shape.rest = None  # an item that is valid by itself can be wrong in a set
        return shape

    def _tuple(self, schema: _Schema, config: _Schema) -> _Shape:
        plans = [self.plan(item, config) for item in schema["items_schema"]]
        shape = _Shape(None)
        variadic = schema.get("variadic_item_index", len(plans))
        shape.fields = dict(enumerate(plans[:variadic]))
        shape.low, shape.high = schema.get("min_length") or 0, schema.get("max_length")
        if variadic == len(plans):
            shape.low = shape.high = len(plans)
        elif variadic == len(plans) - 1:
            shape.rest = plans[variadic]
            shape.low = max(shape.low, variadic)
        else:
            shape.whole = True  # which item stands where is known at the end
        return shape

    def _of(self, schema: _Schema, name: str, config: _Schema) -> _Plan:
        return self.plan(schema[name], config) if schema.get(name) else self.anything

    _OBJECTS: ClassVar[dict[str, Callable[["_Book", _Schema, _Schema], _Shape]]] = {
        "any": _any,
        "dict": _dict,
        "frozendict": _dict,
        "ordered-dict": _dict,
        "model-fields": _record,
        "typed-dict": _record,
        "dataclass-args": _record,
    }
    _ARRAYS: ClassVar[dict[str, Callable[["_Book", _Schema, _Schema], _Shape]]] = {
        "any": _any,
        "list": _list,
        "set": _set,
        "frozenset": _set,
        "tuple": _tuple,
    }

    def waits(self, schema: _Schema) -> bool:
        """Tell whether only an enclosing object can judge a value: records inside it are such objects themselves."""
        seen: set[str] = set()
        left: list[Any] = [schema]
        while left:
            node = left.pop()
            if isinstance(node, dict):
                kind = node.get("type")
                if kind in _RECORDS:
                    continue
                if kind == "definition-ref":
                    ref = node["schema_ref"]
                    left += [] if ref in seen else [self._definitions[ref]]
                    seen.add(ref)
                elif (kind in _FUNCTIONS and _looks_around(node["function"])) or (
                    kind == "default" and _forgives(node)
                ):
                    return True
                left += [part for name, part in node.items() if name not in _NO_SCHEMAS]
            elif isinstance(node, (list, tuple)):
                left += node
        return False

    def bound(self, schema: _Schema) -> _Schema:
        """Return a schema together with the definitions that it refers to."""
        if schema["type"] == "definitions":
            return schema
        needed: dict[str, _Schema] = {}
        left: list[Any] = [schema]
        while left:
            node = left.pop()
            if isinstance(node, dict):
                ref = node.get("schema_ref") if node.get("type") == "definition-ref" else None
                if ref is not None and ref in self._definitions and ref not in needed:
                    needed[ref] = self._definitions[ref]
                    left.append(needed[ref])
                left += [part for name, part in node.items() if name not in _NO_SCHEMAS]
            elif isinstance(node, (list, tuple)):
                left += node
        if not needed:
            return schema
        ref = schema.get("ref")
        main = {"type": "definition-ref", "schema_ref": ref} if ref in needed else schema
        return {"type": "definitions", "schema": main, "definitions": list(needed.values())}


def _forgives(schema: _Schema) -> bool:
    """Tell whether a default takes the place of a value that is wrong."""
    return bool(schema.get("on_error", "raise") != "raise")


def _looks_around(function: _Schema) -> bool:
    """Tell whether a validator may look at its siblings or the context; those of Pydantic's own types do not."""
    own = getattr(function["function"], "__module__", None) or ""
    return function["type"] == "with-info" and not own.startswith("pydantic.")


def _has_post_init(schema: _Schema) -> bool:
    """Tell whether code of the user's runs after a model's or dataclass's fields."""
    method = getattr(schema["cls"], schema["post_init"]) if isinstance(schema.get("post_init"), str) else None
    if method is not None:
        return not (method.__module__ or "").startswith("pydantic.")
    return bool(schema.get("post_init"))


def _paths(field: _Schema, name: str, config: _Schema) -> list[list[str | int]]:
    """Return where a field is read from, the places that win first."""
    alias = field.get("validation_alias")
    if alias is None:
        return [[name]]
    paths: list[list[str | int]] = []
    if config.get("validate_by_alias", True):
        paths = [[alias]] if isinstance(alias, str) else alias if isinstance(alias[0], list) else [alias]
    return [*paths, [name]] if config.get("validate_by_name") else paths


class _Same:
    """A type as a key: types that are equal need not be the same (``int | str == str | int``)."""

    def __init__(self, type_: object) -> None:
        self.type = type_

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.type is self.type

    def __hash__(self) -> int:
        return id(self.type)


@lru_cache(maxsize=256)
def _book_of(same: _Same) -> _Book:
    return _Book(same.type)


_tuple: Final = tuple.__new__
"""What makes a Change, without the call of Python that a named tuple makes first."""
_NO_CONFIG: Final[_Schema] = {}
_BRIEF: Final[Any] = {"include_url": False, "include_context": False, "include_input": False}
_MISSING: Final = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})
_RECORDS: Final = ("model-fields", "typed-dict", "dataclass-args")
_FUNCTIONS: Final = ("function-after", "function-before", "function-wrap", "function-plain")
_NO_SCHEMAS: Final = frozenset({"metadata", "serialization", "default", "expected", "members", "cls", "function"})
_SAMPLES: Final[dict[Kind, bytes]] = {
    "object": b"{}",
    "array": b"[]",
    "string": b'""',
    "number": b"0",
    "boolean": b"true",
    "null": b"null",
}
_CONTAINERS: Final[tuple[Kind, ...]] = ("object", "array")
_SCALARS: Final[tuple[Kind, ...]] = ("string", "number", "boolean", "null")
_SHAPES: Final[dict[str, frozenset[Kind]]] = {
    "any": frozenset(_SAMPLES),
    **dict.fromkeys(
        ("dict", "frozendict", "ordered-dict", "model-fields", "typed-dict", "dataclass-args", "tagged-union"),
        frozenset[Kind]({"object"}),
    ),
    **dict.fromkeys(("list", "set", "frozenset", "tuple"), frozenset[Kind]({"array"})),
}
_LEAVES: Final = frozenset(
    {
        "str",
        "int",
        "float",
        "bool",
        "none",
        "bytes",
        "date",
        "time",
        "datetime",
        "timedelta",
        "decimal",
        "uuid",
        "url",
        "multi-host-url",
        "complex",
        "json",
    }
)
_UNHASHABLE: Final = frozenset({"any", "json", "list", "set", "dict", "typed-dict"})
_CONSTRAINTS: Final = (
    *("pattern", "min_length", "max_length", "str_min_length", "str_max_length"),
    *("multiple_of", "le", "ge", "lt", "gt"),
)
_PROVES: Final[dict[str, frozenset[type]]] = {
    "any": frozenset({str, int, float, bool, type(None)}),
    "str": frozenset({str}),
    "int": frozenset({int}),
    "float": frozenset({float}),
    "bool": frozenset({bool}),
    "none": frozenset({type(None)}),
}
_TAKERS: Final[dict[type, set[Kind]]] = {
    str: {"string"},
    bool: {"boolean", "number"},
    int: {"boolean", "number"},
    float: {"boolean", "number"},
    type(None): {"null"},
}
