"""Partial objects of a Pydantic type from growing JSON: shown as far as they are certain, checked as they close.

What each part of Pydantic means for a partial is in ``docs/partials.md``.
"""

from typing import Any, Final, Generic, NoReturn, TypeVar, cast, overload

from pydantic import ValidationError

from .changes import Change
from .judging import Choice, Claim, Frame, Invalid, Mistake, mistake
from .plans import BRIEF, CONTAINERS, Plan, Same, Tag, book_of
from .reader import Event, Kind, NotJson, Reader

M = TypeVar("M")


class Partials(Generic[M]):
    """The growing object of one JSON document, checked against a model or any type that Pydantic knows.

    ``feed`` takes the text in fragments cut anywhere and costs time proportional to the fragment and to the values
    that it closes, whatever came before. Memory is the document's text and the object. All values are the document's
    own, as ``json.loads`` would give them, under the keys of the document.

    The first mistake raises ``NotJson`` or ``Invalid``; from then on every call raises it again.

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
        self._book = book_of(Same(type_))
        self._reader = Reader()
        self._root: list[object] = [None]
        self._frame = Frame(self._root, None, "", items=False, judged=True)
        """The innermost container that is open."""
        self._frame.key = 0
        self._frame.only = self._book.root
        self._failure: NotJson | Invalid | None = None
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
            NotJson: the text can no longer become one JSON document.
            Invalid: a value that closed breaks the schema, or no value of its JSON type can keep it.
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
        except (NotJson, Invalid) as failure:
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
            NotJson: the document is not whole.
            Invalid: the document breaks the schema.
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
            self._fail(mistake(error, "", self._root[0]))

    def _raise_again(self) -> None:
        if self._failure is not None:
            raise self._failure.with_traceback(None)

    def _broken(self, error: NotJson, changes: list[Change]) -> None:
        events, error.events_before = error.events_before, []
        self._take(events, changes)
        self._failure = error
        raise error

    def _fail(self, found: Mistake) -> NoReturn:
        self._failure = Invalid(*found)
        raise self._failure

    def _take(self, events: list[Event], changes: list[Change]) -> None:  # noqa: C901, PLR0912 no call for what is usual: hot
        """Grow the object by what happened and check what closed."""
        frame = self._frame
        for what, kind, path, value, start, end in events:
            if what == "key":
                frame.key = value
                shape = frame.shape
                plan = shape.fields.get(value, shape.rest) if shape is not None else None
                if type(plan) is Plan:
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

    def _begin_item(self, frame: Frame, path: str) -> None:
        """Expect the next item of an array."""
        frame.begun = True
        frame.key = len(frame.node)
        shape = frame.shape
        plan = shape.fields.get(frame.key, shape.rest) if shape is not None else None
        if type(plan) is Plan:
            frame.only = plan
            frame.sure = frame.judged
        else:
            self._expect(frame, path, -1, -1)

    def _expect(self, frame: Frame, path: str, start: int, end: int) -> None:
        """Find out what may stand at the frame's new key; ``start`` and ``end`` say where an object's key is."""
        frame.sure = frame.judged
        frame.only = None
        claims: dict[Plan, Claim] = {}
        for choice in frame.ways():
            if choice.dead:
                continue
            child = self._child(choice, frame, path, start, end)
            if child is None:
                frame.sure = False
            elif child in claims:
                claims[child].parents.append(choice)
            else:
                claims[child] = Claim(child, [choice])
        frame.claims = [claim for claim in claims.values() if any(not parent.dead for parent in claim.parents)]

    def _child(self, choice: Choice, frame: Frame, path: str, start: int, end: int) -> Plan | None:
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
                self._refute(choice, (path, error.errors(**BRIEF)[0]["type"]))
            choice.unproven |= error is not None
        choice.unproven |= child is None
        return child

    def _open(self, frame: Frame, kind: Kind, path: str, value: object, changes: list[Change]) -> Frame:
        """Show what opened, unless no plan takes its like; return the frame that is now the innermost."""
        plan = frame.only
        if kind in CONTAINERS:
            items = kind == "array"
            node: Any = [] if items else {}
            inner = Frame(node, frame, path, items=items, judged=frame.sure)
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

    def _claim(self, frame: Frame, inner: Frame, kind: Kind, path: str) -> None:
        """Find all ways to read what opened."""
        frame.claim()
        self._rule_out(frame.claims, kind, path)
        for claim in frame.claims:
            claim.choices = [Choice(plan, claim) for plan in claim.plan.opening(kind)[0]]
            claim.alive = len(claim.choices)
            inner.choices += claim.choices
        inner.find_shape()

    def _rule_out(self, claims: list[Claim], kind: Kind, path: str) -> None:
        """Refuse the plans that take no value of a JSON type."""
        for claim in claims:
            _, rule = claim.plan.opening(kind)
            if rule is not None:
                self._refuse(claim, (path, rule))

    def _close_scalar(  # noqa: PLR0913, PLR0917 the parts of an event
        self, frame: Frame, kind: Kind, path: str, value: object, start: int, end: int
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

    def _check(self, claim: Claim, path: str, value: object, start: int, end: int) -> bool:
        """Run the claim's validator on a slice of the text; say whether it is valid for sure."""
        error = claim.plan.judge(self._reader.text[start:end])
        if isinstance(error, ValidationError):
            self._refuse(claim, mistake(error, path, value))
        return error is None

    def _close_container(self, frame: Frame, outer: Frame, path: str, start: int, end: int) -> bool:
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

    def _settle(self, choice: Choice, frame: Frame, start: int, end: int) -> None:
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
            self._refute(choice, mistake(error, frame.path, frame.node))

    def _note(self, frame: Frame, path: str, value: object, start: int, end: int) -> bool:
        """Remember a closed member of an object whose tag is not known yet; say whether it is now proven."""
        proven = False
        for choice in frame.choices:
            if choice.plan.tag is not None and not choice.dead:
                choice.members[frame.key] = (path, value, start, end)
                while choice.plan.tag is not None and choice.plan.tag.key in choice.members and not choice.dead:
                    self._choose(choice, frame)
                proven = self._replay(choice) and frame.judged and len(frame.choices) == 1
        return proven

    def _choose(self, choice: Choice, frame: Frame) -> None:
        """Become the member of a discriminated union that the tag names."""
        tag = cast(Tag, choice.plan.tag)
        _, _, start, end = choice.members[tag.key]
        chosen = tag.choose(self._reader.text[start:end])
        if isinstance(chosen, ValidationError):
            self._refute(choice, (frame.path, chosen.errors(**BRIEF)[0]["type"]))
        else:
            choice.plan = chosen
            frame.find_shape()

    def _replay(self, choice: Choice) -> bool:
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
                    self._refute(choice, mistake(error, path, value))
        return proven and not choice.dead

    def _refuse(self, claim: Claim, found: Mistake) -> None:
        """The value breaks this plan; and with it whatever wanted the plan."""
        claim.alive = 0
        if not claim.parents:
            self._fail(found)
        for parent in claim.parents:
            self._refute(parent, found)

    def _refute(self, choice: Choice, found: Mistake) -> None:
        """The container cannot be read this way; with the last way its claim fails."""
        if not choice.dead:
            choice.dead = True
            choice.claim.alive -= 1
            if not choice.claim.alive:
                self._refuse(choice.claim, found)


_tuple: Final = tuple.__new__
"""What makes a Change, without the call of Python that a named tuple makes first."""
