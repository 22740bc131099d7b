"""The growing object of a Pydantic type from growing JSON: shown as far as it is certain, checked as values close.

What each part of Pydantic means for a partial object is in ``docs/partials.md``.

The words of this file, beside those of ``reader`` and ``judging``:

- *fragment*: a piece of the document's text, as long or short as it comes.
- *event*: what the reader found in a fragment. *Change*: what it means for the object.
- *open*, *closed*: a value that still grows; one that is final and valid.
- *pending*: text of the open string that was reported as changes, but not yet appended.
- *hidden*: what the class leaves out when it is written: fields with ``exclude``, and the secret types.
- *allowed strings*: those of a literal, an enum or a tag. One of them is *held*, not shown, until its end has come.
"""

import sys
from typing import Any, Final, Generic, TypeVar, cast, overload

from .changes import Change, unescape
from .judging import Container, Invalid, Judge
from .plans import CONTAINERS, AllowedStrings, plans_of
from .reader import JsonEvent, Kind, NotJson, Reader

M = TypeVar("M")
_new_change: Final = tuple.__new__
"""Makes a Change without the Python call that a named tuple makes first."""


class Partials(Generic[M]):
    """The growing object of one JSON document, checked against a model or any type that Pydantic knows.

    ``feed`` takes the text in fragments cut anywhere and costs time proportional to the fragment and to the values
    that it closes, whatever came before. Memory is the document's text and the object. All values are the document's
    own, as ``json.loads`` would give them, under the keys of the document.

    With ``hide``, changes, snapshots and paths leave out what is hidden, all that is inside it, and what a function of
    the class could turn into it; ``finish`` returns the whole object all the same.

    With ``path_limit``, a path is cut after so many characters before it leads on to what is inside, so that long keys
    do not multiply the memory of a fragment: only paths up to that length are to be used.

    Validators find ``context`` as ``info.context``, each time that they run.

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
    def __init__(
        self, type_: type[M], *, hide: bool = False, path_limit: int = sys.maxsize, context: object = None
    ) -> None: ...
    @overload
    def __init__(
        self: "Partials[Any]",
        type_: object,
        *,
        hide: bool = False,
        path_limit: int = sys.maxsize,
        context: object = None,
    ) -> None: ...
    def __init__(
        self, type_: object, *, hide: bool = False, path_limit: int = sys.maxsize, context: object = None
    ) -> None:
        plans = plans_of(type_)
        self._hides = hide and plans.root_plan.holds_hidden
        self._hidden: dict[int, set[Any]] = {}
        """By the ``id`` of a node: the keys below which nothing is shown. Of an array, all after the first one too."""
        self._hidden_container: Container | None = None
        """The outermost open container that is hidden."""
        self._hidden_string: Container | None = None
        """The container around the open string, if that is hidden."""
        self._reader = Reader(path_limit)
        self._judge = Judge(plans, self._reader.text, context)
        self._root: list[object] = [None]
        self._container = Container.around(self._root, plans.root_plan)
        """The innermost container that is open."""
        self._allowed_strings: AllowedStrings | None = None
        """The strings that the open string may become. None: no string is open, or it may be any text and is shown."""
        self._held: list[str] = []
        """The pieces of the open string so far, if only allowed strings may stand there."""
        self._failure: NotJson | Invalid | None = None
        self._room = 0
        """Characters that may still become pending; 0 unless the text ends inside a string."""
        self._pending: list[str] = []
        self._path = ""
        """The path of the string that the pending text belongs to."""

    @property
    def live(self) -> object:
        """The object as far as it is certain, without copying: read it before the next ``feed``, do not change it."""
        self._append_pending()
        return self._shown(self._root)[0] if self._hidden else self._root[0]

    @property
    def snapshot(self) -> object:
        """The object as far as it is certain; None before its first character.

        Only the containers that are still open are copied (time proportional to their widths); closed ones are
        shared between snapshots and must not be changed.
        """
        self._append_pending()
        if self._hidden:
            return self._shown(self._root)[0]
        container = self._container
        inner = container.node.copy()
        while container.outer is not None:
            container = container.outer
            copy = container.node.copy()
            copy[container.key] = inner
            inner = copy
        return inner[0]

    @property
    def is_complete(self) -> bool:
        """The document's last token has arrived. That of a bare number is only known by white space or the end."""
        return self._reader.is_complete

    @property
    def between_tokens(self) -> bool:
        """White space may be inserted at this point of the text without changing a value."""
        return self._reader.between_tokens

    def feed(self, text: str) -> list[Change]:
        """Read on; return what changed, in the order of the text.

        Raises:
            NotJson: no JSON document begins like this.
            Invalid: a value that closed breaks the schema, or no value of its JSON type can keep it.
        """
        # Most fragments of prose lie inside a string. Four calls into C make sure that this one does. The most decisive
        # one comes first and the emptiness of the fragment, which is rare, last: other orders cost up to 2 %.
        room = self._room
        if room >= len(text) and '"' not in text and "\\" not in text and text.isprintable() and text:
            self._room = room - len(text)
            self._pending.append(text)
            return [_new_change(Change, (self._path, text, None, False))]
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        if self._pending:  # asked here too, since the call would cost records 1 %
            self._append_pending()
        self._room = 0
        changes: list[Change] = []
        try:
            try:
                events = self._reader.feed(text)
            except NotJson as error:
                if self._hides:
                    self._apply_hiding(error.events_before, changes)
                else:
                    self._apply(error.events_before, changes)
                raise
            if not events:
                return changes
            if self._hides:
                self._apply_hiding(events, changes)
            else:
                self._apply(events, changes)
        except (NotJson, Invalid) as error:
            self._failure = self._without_hidden_steps(error)
            error.closed_before = sum(change.closed for change in changes)
            raise
        last = events[-1]
        if (  # the text ends inside a string that is shown
            last[1] == "string"
            and last[5] < 0
            and self._allowed_strings is None
            and self._hidden_string is None
            and self._hidden_container is None
        ):
            self._room, self._path = self._reader.room, last[2]
        return changes

    def finish(self) -> M:
        """End the text; return the validated object, as ``model_validate_json`` does of the complete text.

        Raises:
            NotJson: the document is incomplete.
            Invalid: the document breaks the schema.
        """
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        self._append_pending()
        self._room = 0
        try:
            self._apply(self._reader.finish(), [])
            return cast(M, self._judge.validate(self._root[0]))
        except (NotJson, Invalid) as error:
            self._failure = self._without_hidden_steps(error)
            raise

    def _append_pending(self) -> None:
        """Append the pending text to the document and to the object, all at once."""
        if self._pending:
            piece = "".join(self._pending)
            self._pending.clear()
            self._reader.append_text(piece)
            self._container.append_text(piece)

    def _apply_hiding(self, events: list[JsonEvent], changes: list[Change]) -> None:
        """Apply what happened; leave out the changes of what is hidden."""
        for event in events:
            name, kind = event[:2]
            outer = self._container
            found: list[Change] = []
            self._apply([event], found)
            if self._hidden_container is not None:
                if outer is self._hidden_container and self._container is not outer and name == "ended":
                    self._hidden_container = None
            elif name == "opened" and kind in CONTAINERS:
                if self._hides_value(outer, kind):
                    self._hidden_container = self._container
                else:
                    changes += found
            elif name == "opened" and found:
                if self._hides_value(outer, kind):
                    self._hidden_string = outer
                else:
                    changes += found
            elif name == "value" or (name == "ended" and kind == "string"):
                changes += self._at_its_close(outer, kind, found)
            elif self._hidden_string is None:
                changes += found

    def _at_its_close(self, outer: Container, kind: Kind, found: list[Change]) -> list[Change]:
        """Return the changes of a scalar or string that closed: it may be shown now, all at once."""
        was_hidden = self._hidden_string is not None
        self._hidden_string = None
        if was_hidden:
            self._hidden[id(outer.node)].discard(outer.key)
        if self._hides_value(outer, kind):
            return []
        return [Change(found[0].path, None, outer.node[outer.key], found[0].closed)] if was_hidden else found

    def _hides_value(self, container: Container, kind: Kind) -> bool:
        """Tell whether the value at the container's key is hidden now, and remember it."""
        place = id(container.node)
        if (container.is_array and self._hidden.get(place)) or self._judge.hides(container, kind):
            self._hidden.setdefault(place, set()).add(container.key)
            return True
        return False

    def _shown(self, node: Any) -> Any:  # noqa: ANN401 - a tree
        """Return a copy of a node without what is hidden."""
        hidden = self._hidden.get(id(node))
        if isinstance(node, dict):
            return {key: self._shown(value) for key, value in node.items() if not hidden or key not in hidden}
        if node is self._root and hidden:
            return [None]
        if isinstance(node, list):
            return [self._shown(value) for value in (node[: min(hidden)] if hidden else node)]
        return node

    def _without_hidden_steps(self, error: NotJson | Invalid) -> NotJson | Invalid:
        """Let the path of an error end where something hidden begins."""
        if not self._hidden or isinstance(error, NotJson):
            return error
        node: Any = self._root
        key: Any = 0
        path = ""
        for step in [*error.path.split("/")[1:], None]:
            hidden = self._hidden.get(id(node))
            if hidden and (key in hidden or (isinstance(node, list) and isinstance(key, int) and key > min(hidden))):
                error.path = path
                error.args = path, error.rule
                return error
            try:
                node = node[key]
            except (LookupError, TypeError):
                return error
            if step is None or not isinstance(node, (dict, list)):
                return error
            path += "/" + step
            key = unescape(step) if isinstance(node, dict) else int(step) if step.isdecimal() else step
        return error

    def _apply(self, events: list[JsonEvent], changes: list[Change]) -> None:  # noqa: C901, PLR0912, PLR0915 - hot: a call costs more
        """Grow the object by what happened and check what closed.

        The fast path is taken while all that counts is one plan for each value. Its invariant:

        - ``fast_plan`` set: the container has one reading, by this plan, and it is in its first state. ``readings`` is
          empty; ``make_readings`` makes that one reading when something has to be noted of it.
        - ``fast_layout`` set: one reading, whose layout has a plan for nearly every key. A key for which ``by_key`` and
          ``otherwise`` give no plan needs ``expect_value``, which leaves the fast path.
        - ``fast_child`` set: the value at ``key`` has one candidate, this plan, and ``candidates`` is out of date.
          Not set: ``candidates`` counts.
        - ``fast_proof`` set: ``fast_plan`` is set, and valid members make the container valid, if there are enough of
          them.
        """
        judge = self._judge
        container = self._container
        for name, kind, path, value, start, end, key in events:
            if key is not None:
                container.key = key
                layout = container.fast_layout
                plan = layout.by_key.get(key, layout.otherwise) if layout is not None else None
                if plan is not None:
                    container.fast_child = plan
                    container.can_close_value = container.can_close_inside
                elif name == "key":
                    judge.expect_value(container, path, start, end)
                else:
                    judge.expect_value(container, path, *self._reader.key_before(start))
                if name == "key":
                    continue
            full_value = value
            appended = None
            if name == "value":  # the order of the branches is that of their frequency
                if container.is_array and not container.item_is_expected:
                    judge.expect_item(container, path)
            elif name == "opened":
                if container.is_array:
                    judge.expect_item(container, path)
                if kind == "object" or kind == "array":  # noqa: PLR1714 - a tuple is slower
                    self._container = container = judge.open_container(container, kind, path)
                    changes.append(_new_change(Change, (path, None, [] if container.is_array else {}, False)))
                    continue
                plan = container.fast_child
                if plan is None or kind not in plan.accepted_kinds:
                    judge.open_value(container, kind, path)
                    plan = container.fast_child
                if kind == "string":
                    allowed_strings = judge.allowed_strings(container) if plan is None else plan.allowed_strings
                    if allowed_strings is not None:
                        self._allowed_strings = allowed_strings
                        self._held = [value]
                        judge.check_prefix(container, allowed_strings, path, self._held)
                        continue
                    container.put(value)
                    changes.append(_new_change(Change, (path, None, value, False)))
                continue
            elif name == "grew":
                if self._allowed_strings is not None:
                    self._held.append(value)
                    judge.check_prefix(container, self._allowed_strings, path, self._held)
                    continue
                container.append_text(value)
                changes.append(_new_change(Change, (path, value, None, False)))
                continue
            elif kind == "string":
                if self._allowed_strings is None:
                    appended = value
                    full_value = container.node[container.key] + value
                else:
                    full_value = "".join((*self._held, value))
                    self._allowed_strings = None
            else:
                closing = container
                self._container = container = closing.outer
                container.item_is_expected = False
                proof = closing.fast_proof
                if proof is not None and proof.is_valid_with(closing.node):
                    is_closed = container.can_close_value
                else:
                    is_closed = judge.check_container(closing, path, start, end)
                if is_closed:
                    changes.append(_new_change(Change, (path, "", None, True)))
                continue
            plan = container.fast_child
            if plan is not None and (type(full_value) in plan.always_valid or full_value in plan.always_valid):
                is_closed = container.can_close_value
            else:
                is_closed = judge.check_value(container, kind, path, full_value, start, end)
            if container.is_array:
                container.item_is_expected = False
                container.put(full_value)
            else:
                container.node[container.key] = full_value
            if appended is None:
                changes.append(_new_change(Change, (path, None, full_value, is_closed)))
            else:
                changes.append(_new_change(Change, (path, appended, None, is_closed)))
