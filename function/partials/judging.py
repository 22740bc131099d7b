"""Who may still claim a value of the document, and who has rejected it.

The words of this file, beside those of ``plans``:

- *node*: the dict or list that grows as a container is read.
- *candidate*: a plan that a value may have. A value has more than one where the container around it is a union.
- *reading*: one alternative of a candidate by which an open container is read.
- *parent*: a reading of the container around a value that gave the value one of its candidates.
- *rejected*: a candidate that a value breaks. Its parents are dropped.
- *dropped*: a reading that is no longer possible. When the last one of a candidate goes, the candidate is rejected.
- *deferred*: a judgement that has to wait until a container around the value closes.
- *allowed strings*: those of a literal, an enum or a tag, where no other text may stand.
- *fast path*: what is done while a container has one reading and each value in it one candidate. Neither is made then.

A value is invalid when a candidate without parents is rejected: the only candidate of the whole document.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, cast

from pydantic import ValidationError

from .changes import Json, escape
from .plans import AllowedStrings, FastReading, Layout, Plan, Plans, Tag, first_error, merged
from .reader import Kind

_Mistake = tuple[str, str]
"""Path and rule."""
_MISSING: Final = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})


_NO_FAST_READING: Final[FastReading] = (None, None, None)


class Invalid(ValueError):
    """A value of the document breaks its schema: ``path`` is a JSON pointer, ``rule`` Pydantic's error type."""

    closed_before = 0
    """Values that closed in the same fragment before the mistake."""

    def __init__(self, path: str, rule: str) -> None:
        """Name the place and the rule, never the value."""
        super().__init__(path, rule)
        self.path = path
        self.rule = rule


class Container:
    """An open object or array: its node, the key that is being read, and its possible readings."""

    __slots__ = (
        "can_close_inside",
        "can_close_value",
        "candidates",
        "fast_child",
        "fast_layout",
        "fast_plan",
        "fast_proof",
        "is_array",
        "item_is_expected",
        "key",
        "node",
        "outer",
        "path",
        "readings",
    )  # fmt: skip

    node: Json
    outer: Any
    """The container around this one; None around the document."""
    path: str
    is_array: bool
    key: Any
    """The key or index of the value that is being read."""
    item_is_expected: bool
    """The item at the key was reported as opened, so what may stand there is known."""
    can_close_inside: bool
    """All readings can judge a value inside when it closes, so that a valid one is called closed."""
    can_close_value: bool
    """All readings can judge the value at the key when it closes."""
    readings: "Sequence[Reading]"
    candidates: "Sequence[Candidate]"
    """The plans that the value at the key may have; out of date while ``fast_child`` is set."""
    # The state of the fast path, as Partials._apply describes it:
    fast_plan: Plan | None
    fast_layout: Layout | None
    fast_proof: Layout | None
    fast_child: Plan | None

    @classmethod
    def around(cls, node: list[object], plan: Plan) -> "Container":
        """Return the container around the document, which will be the first item of ``node``."""
        container = _container(node, None, "", is_array=False, can_close_inside=True, fast_reading=_NO_FAST_READING)
        container.key = 0
        container.fast_child = plan
        return container

    def find_fast_layout(self) -> None:
        """See whether the plan of each key is all that matters."""
        if len(self.readings) == 1:
            plan = self.readings[0].plan
            self.fast_layout = plan.fast_array_layout if self.is_array else plan.fast_object_layout

    def make_candidates(self) -> "Sequence[Candidate]":
        """Leave the fast path for the value at the key; return its candidates."""
        if self.fast_child is not None:
            self.candidates = [Candidate(self.fast_child, self.make_readings())]
            self.fast_child = None
        return self.candidates

    def make_readings(self) -> "Sequence[Reading]":
        """Leave the fast path for the container; return its readings."""
        if self.fast_plan is not None:
            [candidate] = self.outer.make_candidates()
            candidate.readings = self.readings = [Reading(self.fast_plan, candidate)]
            self.fast_plan = self.fast_proof = None
        return self.readings

    def put(self, value: object) -> None:
        """Set the value at the key."""
        if self.is_array and self.key == len(self.node):
            self.node.append(value)
        else:
            self.node[self.key] = value

    def append_text(self, piece: str) -> None:
        """Append to the string at the key, in place: CPython does not copy a string that nothing else refers to."""
        node, key = self.node, self.key
        text = node[key]
        node[key] = None
        text += piece
        node[key] = text


def _container(  # noqa: PLR0913, PLR0917 - hot: names would cost more
    node: Json,
    outer: Container | None,
    path: str,
    is_array: bool,  # noqa: FBT001 - as above
    can_close_inside: bool,  # noqa: FBT001 - as above
    fast_reading: FastReading,
) -> Container:
    """Return a new container. CPython 3.11 calls a function faster than it calls ``__init__``."""
    container = Container()
    container.node = node
    container.outer = outer
    container.path = path
    container.is_array = is_array
    container.key = None
    container.item_is_expected = False
    container.can_close_inside = container.can_close_value = can_close_inside
    container.readings = container.candidates = ()
    container.fast_plan, container.fast_layout, container.fast_proof = fast_reading
    container.fast_child = None
    return container


class Candidate:
    """A plan that a value may have."""

    __slots__ = ("parents", "plan", "possible_count", "readings")

    def __init__(self, plan: Plan, parents: "Sequence[Reading]") -> None:
        self.plan = plan
        self.parents = parents
        self.readings: Sequence[Reading] = ()
        """The readings of a container by this plan; a scalar has none."""
        self.possible_count = 1
        """How many readings are not dropped; 1 for a scalar. When it is 0, the candidate is rejected."""

    def defer(self) -> bool:
        """Leave the judgement to the containers around. Return False: the value cannot be called closed."""
        for parent in self.parents:
            parent.has_deferred = True
        return False


class Reading:
    """One alternative by which an open container is read."""

    __slots__ = ("candidate", "has_deferred", "is_dropped", "members_before_tag", "plan")

    def __init__(self, plan: Plan, candidate: Candidate) -> None:
        self.plan = plan
        self.candidate = candidate
        self.is_dropped = False
        self.has_deferred = False
        """The judgement of something inside is deferred to this container's close."""
        self.members_before_tag: dict[object, tuple[str, object, int, int]] = {}
        """By key: path, value, start and end of the members that closed while the tag was not known."""


class Judge:
    """Judges the values of one document as they open and close.

    ``start`` and ``end`` are offsets in the document's text of a value (or key) as it was written.

    Raises:
        Invalid: a value breaks the schema. Each method that is given a path may raise it.
    """

    def __init__(self, plans: Plans, text: bytearray, context: object) -> None:
        self._plans = plans
        self._text = text
        """Grows while the document is read."""
        self._context = context
        """What validators find as ``info.context``."""

    def expect_item(self, container: Container, path: str) -> None:
        """Find out what may stand next in an array."""
        container.item_is_expected = True
        container.key = len(container.node)
        layout = container.fast_layout
        plan = layout.by_key.get(container.key, layout.otherwise) if layout is not None else None
        if plan is not None:
            container.fast_child = plan
            container.can_close_value = container.can_close_inside
        else:
            self.expect_value(container, path, -1, -1)

    def expect_value(self, container: Container, path: str, start: int, end: int) -> None:
        """Find out what may stand at the container's key, which an object has from ``start`` to ``end``."""
        container.can_close_value = container.can_close_inside
        container.fast_child = None
        candidates: dict[Plan, Candidate] = {}
        for reading in container.make_readings():
            if reading.is_dropped:
                continue
            plan = self._plan_at_key(reading, container, path, start, end)
            if plan is None:
                container.can_close_value = False
            elif plan in candidates:
                candidates[plan].parents = [*candidates[plan].parents, reading]
            else:
                candidates[plan] = Candidate(plan, [reading])
        container.candidates = [
            candidate for candidate in candidates.values() if any(not parent.is_dropped for parent in candidate.parents)
        ]

    def _plan_at_key(self, reading: Reading, container: Container, path: str, start: int, end: int) -> Plan | None:
        """Return what a reading expects at the container's key; None if judgement is deferred or has failed."""
        layout = reading.plan.array_layout if container.is_array else reading.plan.object_layout
        if layout is None:
            return None
        if container.is_array and layout.max_length is not None and container.key >= layout.max_length:
            return None
        plan = layout.by_key.get(container.key, layout.otherwise)
        if plan is None and layout.rule_otherwise is not None and container.key not in layout.by_key:
            self._drop(reading, (path, layout.rule_otherwise))
            return None
        if layout.key_plan is not None:
            error = layout.key_plan.find_error(b"{" + self._text[start:end] + b":null}", self._context)
            if isinstance(error, ValidationError):
                self._drop(reading, (path, first_error(error)["type"]))
            reading.has_deferred |= error is not None
        reading.has_deferred |= plan is None
        return plan

    def open_container(self, outer: Container, kind: Kind, path: str) -> Container:
        """Open an object or array at the key of the one around it."""
        is_array = kind == "array"
        node: Any = [] if is_array else {}
        plan = outer.fast_child
        fast = _NO_FAST_READING if plan is None else plan.fast_array_reading if is_array else plan.fast_object_reading
        container = _container(node, outer, path, is_array, outer.can_close_value, fast)
        if container.fast_plan is None:
            for candidate in self._of_kind(outer.make_candidates(), kind, path):
                candidate.readings = [Reading(each, candidate) for each in candidate.plan.alternatives_for(kind)[0]]
                candidate.possible_count = len(candidate.readings)
                container.readings = [*container.readings, *candidate.readings]
            container.find_fast_layout()
        if outer.is_array:
            outer.node.append(node)
        else:
            outer.node[outer.key] = node
        return container

    def open_value(self, container: Container, kind: Kind, path: str) -> None:
        """Judge a string, number or literal by its first character."""
        self._of_kind(container.make_candidates(), kind, path)

    def _of_kind(self, candidates: Sequence[Candidate], kind: Kind, path: str) -> Sequence[Candidate]:
        """Reject the candidates that take no value of a kind; return all."""
        for candidate in candidates:
            _, rule = candidate.plan.alternatives_for(kind)
            if rule is not None:
                self._reject(candidate, (path, rule))
        return candidates

    def hides(self, container: Container, kind: Kind) -> bool:
        """Tell whether the value of a kind at the container's key is hidden by one of those that may still take it."""
        readings = [reading.plan for reading in container.readings if not reading.is_dropped]
        for plan in readings if container.fast_plan is None else [container.fast_plan]:
            layout = plan.array_layout if container.is_array else plan.object_layout
            if layout is not None and layout.hides(container.key):
                return True
            is_known = layout is not None and (container.key in layout.by_key or layout.otherwise is not None)
            if not is_known and plan.holds_hidden:
                return True
        if container.fast_child is not None:
            return container.fast_child.hides(kind)
        return any(each.plan.hides(kind) for each in container.candidates if each.possible_count)

    def allowed_strings(self, container: Container) -> AllowedStrings | None:
        """Return what the string may be at the container's key; None if it may be other text."""
        if container.fast_child is not None:
            return container.fast_child.allowed_strings
        candidates = [candidate for candidate in container.candidates if candidate.possible_count]
        if not candidates and len(container.readings) == 1:  # the usual case of a tag
            return self._declared_strings(container.readings[0], container)
        sets = [candidate.plan.allowed_strings for candidate in candidates]
        known = {parent for candidate in candidates for parent in candidate.parents}
        sets += [
            self._declared_strings(reading, container)
            for reading in container.readings
            if not reading.is_dropped and reading not in known
        ]
        return merged(sets) if sets else None

    def _declared_strings(self, reading: Reading, container: Container) -> AllowedStrings | None:
        """Return the allowed strings at the key of a reading that cannot tell yet what stands there."""
        plan = reading.plan
        if plan.tag is not None:
            return plan.tag.allowed_strings if plan.tag.key == container.key else None
        layout = self._plans.layout_of(plan.unwrapped, is_array=container.is_array)
        declared = layout.by_key.get(container.key, layout.otherwise) if layout is not None else None
        found = declared.allowed_strings if declared is not None else None
        return found and found._replace(is_certain=False)

    def check_prefix(self, container: Container, allowed_strings: AllowedStrings, path: str, pieces: list[str]) -> None:
        """Judge a string that still grows toward an allowed one: as if it ended here, if that makes no difference."""
        if not allowed_strings.is_certain:
            return
        prefix = "".join(pieces)
        if allowed_strings.has_prefix(prefix):
            return
        text = bytearray(json.dumps(prefix).encode())
        for candidate in container.make_candidates():
            if candidate.possible_count:
                self._check(candidate, path, prefix, text)
        for reading in container.readings:
            if reading.plan.tag is not None and not reading.is_dropped:
                self._choose_by_tag(reading, container, text)

    def check_value(  # noqa: PLR0913, PLR0917 - the parts of an event
        self, container: Container, kind: Kind, path: str, value: object, start: int, end: int
    ) -> bool:
        """Check a string, number or literal; tell whether it is closed: valid for certain."""
        container.item_is_expected = False
        is_closed = container.can_close_value
        if container.fast_child is not None and container.fast_child.is_valid(self._text[start:end], self._context):
            return is_closed
        doubtful = [each for each in container.make_candidates() if type(value) not in each.plan.always_valid]
        self._of_kind(doubtful, kind, path)  # first, as for a value that was cut: the same mistake is reported
        for candidate in doubtful:
            if candidate.plan.needs_record and candidate.parents:
                is_closed = candidate.defer()
            elif not self._check(candidate, path, value, self._text[start:end]):
                is_closed = candidate.defer() if candidate.possible_count else is_closed
        return self._remember_before_tag(container, path, value, start, end) or is_closed

    def check_container(self, container: Container, path: str, start: int, end: int) -> bool:
        """Check an object or array; tell whether it is closed: valid for certain."""
        outer = container.outer
        is_closed: bool = outer.can_close_value
        container.make_readings()
        for candidate in outer.candidates:
            for reading in candidate.readings:
                if not reading.is_dropped:
                    self._check_reading(reading, container, start, end)
            if not candidate.possible_count:
                continue
            plan = candidate.plan
            if plan.needs_record and candidate.parents:
                is_closed = candidate.defer()
            elif plan.has_function and plan.has_alternatives:
                is_valid = self._check(candidate, path, container.node, self._text[start:end])
                is_closed = (is_valid or candidate.defer()) and is_closed
            elif any(reading.has_deferred for reading in candidate.readings if not reading.is_dropped):
                is_closed = candidate.defer()
            candidate.readings = ()
        return self._remember_before_tag(outer, path, container.node, start, end) or is_closed

    def _check_reading(self, reading: Reading, container: Container, start: int, end: int) -> None:
        """Judge one reading of a container that closes."""
        plan = reading.plan
        is_outermost = not reading.candidate.parents
        if plan.needs_record and not is_outermost:
            return  # its candidate is deferred
        layout = plan.array_layout if container.is_array else plan.object_layout
        is_valid_by_members = layout is not None and not plan.has_function and layout.is_valid_with(container.node)
        judges_deferred = is_outermost or (layout is not None and layout.is_record)
        if is_valid_by_members and not (reading.has_deferred and judges_deferred):
            return
        error = plan.find_error(self._text[start:end], self._context)
        reading.has_deferred = error is not None
        if isinstance(error, ValidationError):
            self._drop(reading, _locate(error, container.path, container.node))

    def _check(self, candidate: Candidate, path: str, value: object, text: bytes | bytearray) -> bool:
        """Run a candidate's validator on a value as it was written; tell whether the value is valid for certain."""
        error = candidate.plan.find_error(text, self._context)
        if isinstance(error, ValidationError):
            self._reject(candidate, _locate(error, path, value))
        return error is None

    def _remember_before_tag(self, container: Container, path: str, value: object, start: int, end: int) -> bool:
        """Remember a closed member of an object whose tag is not known; tell whether it is valid now that it is."""
        is_valid = False
        for reading in container.readings:
            tag = reading.plan.tag
            if tag is not None and not reading.is_dropped:
                reading.members_before_tag[container.key] = (path, value, start, end)
                while tag is not None and tag.key in reading.members_before_tag and not reading.is_dropped:
                    _, _, tag_start, tag_end = reading.members_before_tag[tag.key]
                    self._choose_by_tag(reading, container, self._text[tag_start:tag_end])
                    tag = reading.plan.tag
                is_valid = (
                    self._check_members_before_tag(reading)
                    and container.can_close_inside
                    and len(container.readings) == 1
                )
        return is_valid

    def _choose_by_tag(self, reading: Reading, container: Container, text: bytearray) -> None:
        """Go on with the alternative of a discriminated union that the tag, as it was written, names."""
        chosen = cast(Tag, reading.plan.tag).choose(text)
        if isinstance(chosen, ValidationError):
            self._drop(reading, (container.path, first_error(chosen)["type"]))
        else:
            reading.plan = chosen
            container.find_fast_layout()

    def _check_members_before_tag(self, reading: Reading) -> bool:
        """Judge the members that closed before the tag was known; tell whether the last of them is valid."""
        is_valid = False
        layout = reading.plan.object_layout
        if layout is None:
            return is_valid
        for key, (path, value, start, end) in reading.members_before_tag.items():
            if reading.is_dropped:
                break
            plan = layout.by_key.get(key, layout.otherwise)
            if plan is None and layout.rule_otherwise is not None and key not in layout.by_key:
                self._drop(reading, (path, layout.rule_otherwise))
            elif plan is None or plan.needs_record:
                reading.has_deferred = True
                is_valid = False
            else:
                error = plan.find_error(self._text[start:end], self._context)
                is_valid = error is None
                reading.has_deferred |= not is_valid
                if isinstance(error, ValidationError):
                    self._drop(reading, _locate(error, path, value))
        return is_valid and not reading.is_dropped

    def _reject(self, candidate: Candidate, mistake: _Mistake) -> None:
        """Note that the value breaks the candidate's plan, and with it all readings that expected the plan here."""
        candidate.possible_count = 0
        if not candidate.parents:
            raise Invalid(*mistake)
        for parent in candidate.parents:
            self._drop(parent, mistake)

    def _drop(self, reading: Reading, mistake: _Mistake) -> None:
        """Note that a container cannot be read in one way; if no other is left, its candidate is rejected."""
        if not reading.is_dropped:
            reading.is_dropped = True
            reading.candidate.possible_count -= 1
            if not reading.candidate.possible_count:
                self._reject(reading.candidate, mistake)

    def validate(self, root: object) -> object:
        """Return the object of a document that is complete; ``root`` is its tree."""
        try:
            return self._plans.validate(bytes(self._text), context=self._context)
        except ValidationError as error:
            raise Invalid(*_locate(error, "", root)) from error


def _locate(error: ValidationError, path: str, value: object) -> _Mistake:
    """Return where in the document a validator's first error lies, and its rule.

    Pydantic's locations also name members of unions and kinds of steps: what is not in the value is left out, but for
    the name of a field that is missing.
    """
    first = first_error(error)
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
