"""What a schema of Pydantic allows at each of its positions, worked out once for each type.

The words of this file:

- *schema*: a core schema of Pydantic: a dict with a ``type``, and schemas inside. *Config*: what its model adds to it.
- *plan*: what is known of one position of a schema.
- *kind*: which of JSON's six types a value has.
- *alternative*: a plan by which a value may be read: a member of a union, or the only plan there is.
- *container*: an object or array. *Layout*: the plans of what may stand in it.
- *record*: an object with named fields: of a model, a dataclass or a TypedDict. Its validators may see siblings.
- *tag*: the value by which a discriminated union chooses its alternative.
- *alias path*: the keys that lead to the value of a field. *Path* alone, in the other files, is a JSON pointer.
- *rule*: Pydantic's name of an error, such as ``int_type``.
- *function*: code in a schema, such as a validator. When it runs and what it sees decides when a value can be judged.
- *hidden*: what the class leaves out when it is written: fields with ``exclude``, and the secret types.
- *allowed strings*: those of a literal, an enum or a tag, where no other text may stand.
"""

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Final, NamedTuple, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import (
    CoreConfig,
    CoreSchema,
    ErrorDetails,
    PydanticOmit,
    PydanticUseDefault,
    SchemaError,
    SchemaValidator,
)

from .reader import Kind

Schema = dict[str, Any]

_NO_CONFIG: Final[Schema] = {}
_RECORDS: Final = ("model-fields", "typed-dict", "dataclass-args")
_FUNCTIONS: Final = ("function-after", "function-before", "function-wrap", "function-plain")
_HOLDS_NO_SCHEMA: Final = frozenset({"metadata", "serialization", "default", "expected", "members", "cls", "function"})
_SAMPLES: Final[dict[Kind, bytes]] = {
    "object": b"{}",
    "array": b"[]",
    "string": b'""',
    "number": b"0",
    "boolean": b"true",
    "null": b"null",
}
CONTAINERS: Final[tuple[Kind, ...]] = ("object", "array")
_STRINGS_AND_SCALARS: Final[tuple[Kind, ...]] = ("string", "number", "boolean", "null")
_KINDS_OF_CONTAINERS: Final[dict[str, frozenset[Kind]]] = {
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
_FREE_TEXT: Final = frozenset({"str", "bytes", "url", "multi-host-url", "json"})
"""Leaves whose strings are worth showing letter by letter. The strings of all others have a form of their own."""
_CHANGED_TEXT: Final = ("str_strip_whitespace", "str_to_lower", "str_to_upper")
"""Settings of a config under which a string may become another one before it is compared."""
_MAY_BE_UNHASHABLE: Final = frozenset({"any", "json", "list", "set", "dict", "typed-dict"})
_CONSTRAINTS: Final = (
    "pattern", "min_length", "max_length", "str_min_length", "str_max_length",
    "multiple_of", "le", "ge", "lt", "gt",
)  # fmt: skip
_ALWAYS_VALID: Final[dict[str, frozenset[type]]] = {
    "any": frozenset({str, int, float, bool, type(None)}),
    "str": frozenset({str}),
    "int": frozenset({int}),
    "float": frozenset({float}),
    "bool": frozenset({bool}),
    "none": frozenset({type(None)}),
}
_KINDS_OF_VALUES: Final[dict[type, set[Kind]]] = {
    str: {"string"},
    bool: {"boolean", "number"},
    int: {"boolean", "number"},
    float: {"boolean", "number"},
    type(None): {"null"},
}
"""By the type of a member of a literal or enum: the kinds of JSON values that may equal it."""


class Layout:
    """What may stand in a container."""

    __slots__ = (
        "_hidden", "by_key", "find_hidden", "is_record", "key_plan", "max_length", "min_length", "needs_validator",
        "otherwise", "required", "rule_otherwise",
    )  # fmt: skip

    def __init__(self, otherwise: "Plan | None", *, is_record: bool = False, needs_validator: bool = False) -> None:
        self.by_key: dict[object, Plan | None] = {}
        """Plans by key or index. None: what stands there is judged with the container."""
        self.otherwise = otherwise
        """The plan for all other keys or indexes, or None as above."""
        self.rule_otherwise: str | None = None
        """The rule that all other keys break; None: other keys are valid."""
        self.required: frozenset[object] = frozenset()
        self.find_hidden: Callable[[], Iterable[object]] = tuple
        """Finds the keys of hidden fields, and of those that may become what holds one."""
        self._hidden: frozenset[object] | None = None
        """These keys once somebody asked, which only an answer that hides something does."""
        self.key_plan: Plan | None = None
        """Judges a key, as an object with this key and nothing else; None: all strings are valid keys."""
        self.min_length = 0
        self.max_length: int | None = None
        self.is_record = is_record
        self.needs_validator = needs_validator
        """Even if all that stands in the container is valid, its own validator has to run."""

    def hides(self, key: object) -> bool:
        """Tell whether what stands at a key is hidden, or may become what holds something hidden."""
        if self._hidden is None:
            self._hidden = frozenset(self.find_hidden())
        return key in self._hidden

    def is_valid_with(self, node: Any) -> bool:  # noqa: ANN401 - a dict or list
        """Tell whether a container is valid that holds these values, each of them valid."""
        if self.needs_validator or len(node) < self.min_length:
            return False
        return (not self.required or self.required <= node.keys()) and (
            self.max_length is None or len(node) <= self.max_length
        )


class AllowedStrings(NamedTuple):
    """The strings that may stand at a position where no other text may."""

    words: tuple[str, ...]
    """The strings, sorted."""
    is_certain: bool
    """No other string is valid, and no function can make one valid: any text that begins none of them is wrong."""

    def has_prefix(self, text: str) -> bool:
        """Tell whether one of the strings begins with a text."""
        index = bisect_left(self.words, text)
        return index < len(self.words) and self.words[index].startswith(text)


def merged(sets: "Iterable[AllowedStrings | None]") -> AllowedStrings | None:
    """Return the allowed strings of a position that takes what any of its parts takes; None if one takes more."""
    words: set[str] = set()
    is_certain = True
    for each in sets:
        if each is None:
            return None
        words.update(each.words)
        is_certain &= each.is_certain
    return AllowedStrings(tuple(sorted(words)), is_certain)


class Tag:
    """The discriminator of a union: the key that the tag is read from, and the plan that a tag chooses.

    Pydantic's own validator of the union looks up the tag: it knows which tags are equal, and its error for an
    unknown tag is the one to report. Each alternative is replaced by a function that returns its number, since the
    real one would judge an object of which no more than the tag is known.
    """

    def __init__(self, plans: "Plans", schema: Schema, config: Schema, key: str) -> None:
        self.key = key
        self._prefix = f"{{{json.dumps(key)}:".encode()
        self._alternatives = [plans.for_schema(choice, config) for choice in schema["choices"].values()]
        numbers = {
            tag: {"type": "function-plain", "function": {"type": "no-info", "function": lambda _, n=number: n}}
            for number, tag in enumerate(schema["choices"])
        }
        self._number = SchemaValidator(cast(Any, {**schema, "choices": numbers}), cast(CoreConfig, config))
        self.allowed_strings = _allowed_among(schema["choices"], is_certain=not _changes_text(config))
        """The tags that are strings."""

    def choose(self, text: bytearray) -> "Plan | ValidationError":
        """Return the plan for a tag as it was written."""
        try:
            plan: Plan = self._alternatives[self._number.validate_json(self._prefix + text + b"}")]
        except ValidationError as error:
            return error
        alternatives, _ = plan.alternatives_for("object")
        if len(alternatives) == 1 and not (plan.has_alternatives and plan.has_function):
            return alternatives[0]
        return plan.at_close()


class _Unwrapped(NamedTuple):
    """A schema without the wrappers that leave a value's layout alone, and what they mean for it."""

    schema: Schema
    config: Schema
    judged_at_close: bool
    """A function may change or forgive what is inside, so nothing is known before the close."""
    has_function: bool
    """A function runs when the value closes."""
    is_secret: bool
    """It is one of the secret types."""


class Plan:
    """What is known of one position of a schema. Each property is worked out when it is first needed."""

    def __init__(self, plans: "Plans", schema: Schema, config: Schema, *, at_close: bool = False) -> None:
        self._plans = plans
        self._schema = schema
        self._config = config
        self._at_close = at_close
        self._alternatives_by_kind: dict[Kind, tuple[tuple[Plan, ...], str | None]] = {}

    @cached_property
    def unwrapped(self) -> _Unwrapped:
        """The schema without its wrappers."""
        return self._plans.unwrap(self._schema, self._config)

    @cached_property
    def needs_record(self) -> bool:
        """A function looks beyond the value: only the validator of the record around it can judge."""
        return self._plans.needs_record(self._schema)

    @cached_property
    def has_function(self) -> bool:
        """A function runs when the value closes."""
        return self.unwrapped.has_function

    @cached_property
    def judged_at_close(self) -> bool:
        """Nothing is known of the value before it closes."""
        if self._at_close or self.unwrapped.judged_at_close:
            return True
        schema = self.unwrapped.schema
        type_ = schema["type"]
        if type_ in ("union", "tagged-union"):
            without_key = type_ == "tagged-union" and _discriminator(schema) is None
            return without_key or bool(schema.get("custom_error_type"))
        return (
            type_ not in _KINDS_OF_CONTAINERS and type_ not in _LEAVES and type_ not in ("nullable", "literal", "enum")
        )

    @cached_property
    def alternatives(self) -> "tuple[Plan, ...]":
        """The members of a union, those of unions inside it included; for all else the plan itself."""
        schema, config = self.unwrapped.schema, self.unwrapped.config
        if self.judged_at_close:
            return (self,)
        if schema["type"] == "tagged-union" and schema is not self._schema:
            return (self._plans.for_schema(schema, config),)
        if schema["type"] == "nullable":
            choices = [schema["schema"], {"type": "none"}]  # in this order: its errors are those of what it wraps
        elif schema["type"] == "union":
            choices = [choice[0] if isinstance(choice, tuple) else choice for choice in schema["choices"]]
        else:
            return (self,)
        flat: list[Plan] = []
        for choice in choices:
            plan = self._plans.for_schema(choice, config)
            if plan.has_alternatives and (plan.has_function or plan.needs_record):
                flat.append(plan.at_close())
            else:
                flat += plan.alternatives
        return tuple(flat)

    @cached_property
    def has_alternatives(self) -> bool:
        """The plan is a union: a value is read by one of its alternatives, not by the plan itself."""
        return self.alternatives != (self,)

    def at_close(self) -> "Plan":
        """Return a plan of the same position that knows nothing before the close."""
        return Plan(self._plans, self._schema, self._config, at_close=True)

    @cached_property
    def always_valid(self) -> frozenset[object]:
        """Types of which every JSON value is valid, and strings that are."""
        if self.judged_at_close or self.has_function:
            return frozenset()
        if self.has_alternatives:
            return frozenset[object]().union(*(alternative.always_valid for alternative in self.alternatives))
        schema, config = self.unwrapped.schema, self.unwrapped.config
        if schema["type"] == "literal":
            return frozenset(value for value in schema["expected"] if type(value) is str)
        constrained = any(schema.get(constraint) is not None for constraint in _CONSTRAINTS) or (
            schema["type"] == "str" and any(config.get(constraint) is not None for constraint in _CONSTRAINTS)
        )
        return frozenset() if constrained else _ALWAYS_VALID.get(schema["type"], frozenset())

    @cached_property
    def holds_hidden(self) -> bool:
        """A value may be hidden, or have something hidden inside."""
        return self._plans.holds_hidden(self._schema)

    def hides(self, kind: Kind) -> bool:
        """Tell whether a value of a kind may be hidden: also where what is inside cannot be told apart."""
        if not self.holds_hidden:
            return False
        if self.unwrapped.is_secret:
            return True
        return any(alternative.hides_as(kind) for alternative in self.alternatives_for(kind)[0])

    def hides_as(self, kind: Kind) -> bool:
        """Tell whether this plan, as one alternative of a value, may hide a value of a kind; ``hides`` asks all."""
        if not self.holds_hidden:
            return False
        if self.unwrapped.is_secret or kind not in CONTAINERS:
            return True
        layout = self.array_layout if kind == "array" else self.object_layout
        return layout is None and self.tag is None

    @cached_property
    def allowed_strings(self) -> AllowedStrings | None:
        """The only strings that may stand here; None if other text may, or no string at all."""
        found = self._plans.allowed_strings_of(self._schema, self._config)
        if found is None or not found.words:
            return None
        return found._replace(is_certain=found.is_certain and not self._at_close and not self.needs_record)

    @cached_property
    def object_layout(self) -> Layout | None:
        """What may stand in an object; None if that is not known before it closes."""
        return None if self.judged_at_close else self._plans.layout_of(self.unwrapped, is_array=False)

    @cached_property
    def array_layout(self) -> Layout | None:
        """What may stand in an array; None if that is not known before it closes."""
        return None if self.judged_at_close else self._plans.layout_of(self.unwrapped, is_array=True)

    @cached_property
    def fast_object_layout(self) -> Layout | None:
        """The layout of an object, if all that matters of a key is the plan of its value."""
        layout = self.object_layout
        return layout if layout is not None and layout.key_plan is None else None

    @cached_property
    def fast_array_layout(self) -> Layout | None:
        """The layout of an array, if all that matters of an index is the plan of its item."""
        layout = self.array_layout
        return layout if layout is not None and layout.max_length is None else None

    @cached_property
    def tag(self) -> Tag | None:
        """The discriminator, if this is a union that has one."""
        schema, config = self.unwrapped.schema, self.unwrapped.config
        if self.judged_at_close or schema["type"] != "tagged-union" or self.has_alternatives:
            return None
        return Tag(self._plans, schema, config, cast(str, _discriminator(schema)))

    @cached_property
    def fast_object_reading(self) -> "FastReading":
        """How an object is read on the fast path."""
        plan, proves_itself = self._only_alternative("object")
        layout = None if plan is None else plan.fast_object_layout
        return plan, layout, layout if proves_itself else None

    @cached_property
    def fast_array_reading(self) -> "FastReading":
        """How an array is read on the fast path."""
        plan, proves_itself = self._only_alternative("array")
        layout = None if plan is None else plan.fast_array_layout
        return plan, layout, layout if proves_itself else None

    def _only_alternative(self, kind: Kind) -> "tuple[Plan | None, bool]":
        """Return the plan of a container that has one alternative, and whether valid members make it valid."""
        alternatives, rule = self.alternatives_for(kind)
        if rule is not None or len(alternatives) > 1:
            return None, False
        return alternatives[0], not any(each.has_function or each.needs_record for each in (alternatives[0], self))

    @cached_property
    def accepted_kinds(self) -> frozenset[Kind]:
        """Kinds of strings, numbers and literals that it does not reject at their first character."""
        return frozenset(kind for kind in _STRINGS_AND_SCALARS if self.alternatives_for(kind)[1] is None)

    def alternatives_for(self, kind: Kind) -> "tuple[tuple[Plan, ...], str | None]":
        """Return the alternatives for a value of a kind; if there are none, the rule that every such value breaks."""
        if kind not in self._alternatives_by_kind:
            rules = [(alternative, alternative.rule_against(kind)) for alternative in self.alternatives]
            possible = tuple(alternative for alternative, rule in rules if rule is None)
            self._alternatives_by_kind[kind] = possible, None if possible else rules[0][1]
        return self._alternatives_by_kind[kind]

    def rule_against(self, kind: Kind) -> str | None:
        """Return the rule that every value of a kind breaks, if there is one.

        Pydantic itself is asked, with a sample of the kind, so that strict mode and all its types count as they are.
        """
        if self.judged_at_close:
            return None
        schema = self.unwrapped.schema
        if schema["type"] in ("literal", "enum"):
            return _rule_of_values(schema, kind)
        if schema["type"] in _KINDS_OF_CONTAINERS:
            if kind in _KINDS_OF_CONTAINERS[schema["type"]]:
                return None
            plan = self
        else:
            plan = self._plans.for_schema(schema, self.unwrapped.config)
        error = plan.find_error(_SAMPLES[kind])
        if not isinstance(error, ValidationError):
            return None
        first = first_error(error)
        is_of_kind = not first["loc"] and (first["type"].endswith("_type") or first["type"] == "none_required")
        return first["type"] if is_of_kind else None

    @cached_property
    def _validate(self) -> Callable[..., object]:
        schema = self._plans.with_definitions(self._schema)
        return SchemaValidator(cast(CoreSchema, schema), cast(CoreConfig, self._config)).validate_json

    def is_valid(self, text: bytes | bytearray, context: object = None) -> bool:
        """Tell whether a value is known to be valid by itself; validators find ``context`` as ``info.context``."""
        return not self.needs_record and self.find_error(text, context) is None

    def find_error(self, text: bytes | bytearray, context: object = None) -> Exception | None:
        """Run the validator of this position on a value as it was written.

        None: the value is valid. A ValidationError: it is not. Anything else: only a container around it can tell.
        """
        try:
            if context is None:  # the keyword would cost each value that closes a few per cent
                self._validate(text)
            else:
                self._validate(text, context=context)
        except (ValidationError, SchemaError, PydanticOmit, PydanticUseDefault) as error:
            return error.with_traceback(None)  # its frames, up to the server's, would wait for the garbage collector
        return None


FastReading = tuple[Plan | None, Layout | None, Layout | None]
"""How a container is read on the fast path: its plan, the layout of this plan, and the layout again if valid members
are enough to make the container valid. Each is None where that is not so."""


class Plans:
    """All plans of one type."""

    def __init__(self, type_: object) -> None:
        adapter: TypeAdapter[Any] = TypeAdapter(cast(Any, type_))
        self.validate = adapter.validate_json
        """Judges a complete document."""
        self._definitions: dict[str, Schema] = {}
        self._by_schema: dict[tuple[int, int], tuple[Plan, Schema]] = {}
        self._layouts: dict[tuple[int, bool], Layout | None] = {}
        self.anything = Plan(self, {"type": "any"}, {})
        schema = cast(Schema, adapter.core_schema)
        self.root_plan = self.for_schema(schema if isinstance(schema, dict) else dict(schema), {})
        """The plan of the document."""

    def for_schema(self, schema: Schema, config: Schema) -> Plan:
        """Return the plan of a schema under a config: always the same one."""
        key = id(schema), id(config)
        if key not in self._by_schema:
            self._by_schema[key] = Plan(self, schema, config), config
        return self._by_schema[key][0]

    def unwrap(self, schema: Schema, config: Schema) -> _Unwrapped:
        """Take the wrappers off a schema."""
        judged_at_close = has_function = is_secret = False
        while True:
            type_ = schema["type"]
            is_secret |= _is_secret(schema)
            if type_ == "definitions":
                self._definitions |= {definition["ref"]: definition for definition in schema["definitions"]}
                schema = schema["schema"]
            elif type_ == "definition-ref":
                schema = self._definitions[schema["schema_ref"]]
            elif type_ in ("function-after", "function-before", "function-wrap"):
                has_function = True
                judged_at_close |= type_ != "function-after"
                schema = schema["schema"]
            elif type_ == "default":
                judged_at_close |= _replaces_errors(schema)
                schema = schema["schema"]
            elif type_ == "lax-or-strict":
                strict = schema.get("strict", config.get("strict", False))
                schema = schema["strict_schema" if strict else "lax_schema"]
            elif type_ == "json-or-python":
                schema = schema["json_schema"]
            elif type_ in ("model", "dataclass"):
                config = schema.get("config") or _NO_CONFIG
                judged_at_close |= bool(schema.get("custom_init"))
                has_function |= _has_post_init(schema)
                schema = schema["schema"]
            else:
                return _Unwrapped(schema, config, judged_at_close, has_function, is_secret)

    def allowed_strings_of(self, schema: Schema, config: Schema) -> AllowedStrings | None:
        """Return the only strings that a schema takes, none included; None if it takes other text too."""
        schema, config, judged_at_close, _, _ = self.unwrap(schema, config)
        type_ = schema["type"]
        is_certain = not judged_at_close and not _changes_text(config)
        if type_ == "literal":
            return _allowed_among(schema["expected"], is_certain=is_certain)
        if type_ == "enum":
            # A string may also be read as the number of a member.
            numbers = [str(member.value) for member in schema["members"] if not isinstance(member.value, str)]
            is_certain &= not numbers and not _has_missing(schema)
            return _allowed_among([*schema["members"], *numbers], is_certain=is_certain)
        parts: list[Any] | None = None
        if type_ == "nullable":
            parts = [schema["schema"]]
        elif type_ == "union":
            parts = [choice[0] if isinstance(choice, tuple) else choice for choice in schema["choices"]]
            is_certain &= not schema.get("custom_error_type")
        elif type_ == "chain":
            parts, is_certain = schema["steps"][:1], False
        elif not judged_at_close and type_ in _KINDS_OF_CONTAINERS and type_ != "any":
            parts = []
        elif not judged_at_close and type_ in _LEAVES - _FREE_TEXT:
            parts = []
            is_certain &= self.for_schema(schema, config).rule_against("string") is not None
        found = None if parts is None else merged(self.allowed_strings_of(part, config) for part in parts)
        return found and found._replace(is_certain=found.is_certain and is_certain)

    def layout_of(self, unwrapped: _Unwrapped, *, is_array: bool) -> Layout | None:
        """Return what may stand in an object or array of a schema; None if that is not known before it closes."""
        key = id(unwrapped.schema), is_array
        if key not in self._layouts:
            build = (self._ARRAYS if is_array else self._OBJECTS).get(unwrapped.schema["type"])
            self._layouts[key] = build(self, unwrapped.schema, unwrapped.config) if build else None
        return self._layouts[key]

    def _any_layout(self, schema: Schema, config: Schema) -> Layout:
        del schema, config
        return Layout(self.anything)

    def _dict_layout(self, schema: Schema, config: Schema) -> Layout:
        layout = Layout(self._part(schema, "values_schema", config))
        keys = self._part(schema, "keys_schema", config)
        layout.min_length, layout.max_length = schema.get("min_length") or 0, schema.get("max_length")
        if str not in keys.always_valid:
            # Two keys may become equal, so only the validator can count them.
            layout.needs_validator = layout.min_length > 0 or layout.max_length is not None
            layout.key_plan = Plan(self, {"type": "dict", "keys_schema": schema["keys_schema"]}, config)
            if keys.needs_record:
                layout.key_plan = layout.otherwise = None
        return layout

    def _record_layout(self, schema: Schema, config: Schema) -> Layout:
        type_ = schema["type"]
        extra = schema.get("extra_behavior") or config.get("extra_fields_behavior") or "ignore"
        layout = Layout(self.anything, is_record=True, needs_validator="extras_keys_schema" in schema)
        if extra == "forbid":
            layout.otherwise = None
            layout.rule_otherwise = "unexpected_keyword_argument" if type_ == "dataclass-args" else "extra_forbidden"
        elif extra == "allow":
            layout.otherwise = self._part(schema, "extras_schema", config)
        fields = schema["fields"]
        named = [(f["name"], f) for f in fields] if isinstance(fields, list) else list(fields.items())
        total = schema.get("total", config.get("typed_dict_total", True))
        required = set()
        for name, field in named:
            is_required = field["schema"]["type"] != "default" and field.get("required", total)
            if field["schema"].get("validate_default", config.get("validate_default")):
                layout.needs_validator = True  # a field that is left out can be invalid too
            for rank, path in enumerate(_alias_paths(field, name, config)):
                key = path[0]
                is_only = rank == 0 and len(path) == 1 and key not in layout.by_key and field.get("init", True)
                layout.by_key[key] = self.for_schema(field["schema"], config) if is_only else None
                layout.needs_validator |= len(path) > 1
                if is_only and is_required:
                    required.add(key)
        layout.required = frozenset(required)
        layout.find_hidden = lambda: self._hidden_keys(named, layout, config)
        return layout

    def _hidden_keys(self, fields: list[tuple[str, Schema]], layout: Layout, config: Schema) -> Iterator[object]:
        """Yield the keys of a record that a hidden field may be read from, and its name if no other field has it."""
        for name, field in fields:
            keys = [path[0] for path in _alias_paths(field, name, config)]
            if _is_excluded(field):
                yield from keys
                if name not in layout.by_key:
                    yield name
            elif self.holds_hidden(field["schema"]):
                yield from (key for key in keys if layout.by_key[key] is None)

    def _list_layout(self, schema: Schema, config: Schema) -> Layout:
        layout = Layout(self._part(schema, "items_schema", config))
        layout.min_length, layout.max_length = schema.get("min_length") or 0, schema.get("max_length")
        return layout

    def _set_layout(self, schema: Schema, config: Schema) -> Layout:
        item = self._part(schema, "items_schema", config)
        layout = Layout(item)
        types = {_type_in_set(alternative.unwrapped.schema) for alternative in item.alternatives}
        # Equal items become one, so only the validator can count them.
        is_limited = bool(schema.get("min_length")) or schema.get("max_length") is not None
        layout.needs_validator = is_limited or item.judged_at_close or not types <= _LEAVES
        if types & _MAY_BE_UNHASHABLE:
            layout.otherwise = None  # an item that is valid by itself can be invalid in a set
        return layout

    def _tuple_layout(self, schema: Schema, config: Schema) -> Layout:
        items = [self.for_schema(item, config) for item in schema["items_schema"]]
        layout = Layout(None)
        variadic = schema.get("variadic_item_index", len(items))
        layout.by_key = dict(enumerate(items[:variadic]))
        layout.min_length, layout.max_length = schema.get("min_length") or 0, schema.get("max_length")
        if variadic == len(items):
            layout.min_length = layout.max_length = len(items)
        elif variadic == len(items) - 1:
            layout.otherwise = items[variadic]
            layout.min_length = max(layout.min_length, variadic)
        else:
            layout.needs_validator = True  # which plan an item has is known at the end
        return layout

    def _part(self, schema: Schema, name: str, config: Schema) -> Plan:
        return self.for_schema(schema[name], config) if schema.get(name) else self.anything

    _OBJECTS: ClassVar[dict[str, Callable[["Plans", Schema, Schema], Layout]]] = {
        "any": _any_layout,
        "dict": _dict_layout,
        "frozendict": _dict_layout,
        "ordered-dict": _dict_layout,
        "model-fields": _record_layout,
        "typed-dict": _record_layout,
        "dataclass-args": _record_layout,
    }
    _ARRAYS: ClassVar[dict[str, Callable[["Plans", Schema, Schema], Layout]]] = {
        "any": _any_layout,
        "list": _list_layout,
        "set": _set_layout,
        "frozenset": _set_layout,
        "tuple": _tuple_layout,
    }

    def holds_hidden(self, schema: Schema) -> bool:
        """Tell whether a value of a schema may be hidden, or have something hidden inside."""
        return any(_is_excluded(node) or _is_secret(node) for node in self._nodes(schema))

    def _nodes(self, schema: Schema) -> Iterator[Schema]:
        """Yield a schema and all that is inside, each definition once."""
        seen: set[str] = set()
        left: list[Any] = [schema]
        while left:
            node = left.pop()
            if isinstance(node, dict):
                yield node
                if node.get("type") == "definitions":
                    self._definitions |= {each["ref"]: each for each in node["definitions"]}
                ref = node.get("schema_ref") if node.get("type") == "definition-ref" else None
                if ref is not None and ref not in seen and ref in self._definitions:
                    seen.add(ref)
                    left.append(self._definitions[ref])
                left += [part for name, part in node.items() if name not in _HOLDS_NO_SCHEMA]
            elif isinstance(node, (list, tuple)):
                left += node

    def needs_record(self, schema: Schema) -> bool:
        """Tell whether only the record around a value can judge it. Records inside the value judge what is in them."""
        seen: set[str] = set()
        left: list[Any] = [schema]
        while left:
            node = left.pop()
            if isinstance(node, dict):
                type_ = node.get("type")
                if type_ in _RECORDS:
                    continue
                if type_ == "definition-ref":
                    ref = node["schema_ref"]
                    left += [] if ref in seen else [self._definitions[ref]]
                    seen.add(ref)
                elif (type_ in _FUNCTIONS and _looks_around(node["function"])) or (
                    type_ == "default" and _replaces_errors(node)
                ):
                    return True
                left += [part for name, part in node.items() if name not in _HOLDS_NO_SCHEMA]
            elif isinstance(node, (list, tuple)):
                left += node
        return False

    def with_definitions(self, schema: Schema) -> Schema:
        """Return a schema together with the definitions that it refers to."""
        if schema["type"] == "definitions":
            return schema
        needed: dict[str, Schema] = {}
        left: list[Any] = [schema]
        while left:
            node = left.pop()
            if isinstance(node, dict):
                ref = node.get("schema_ref") if node.get("type") == "definition-ref" else None
                if ref is not None and ref in self._definitions and ref not in needed:
                    needed[ref] = self._definitions[ref]
                    left.append(needed[ref])
                left += [part for name, part in node.items() if name not in _HOLDS_NO_SCHEMA]
            elif isinstance(node, (list, tuple)):
                left += node
        if not needed:
            return schema
        ref = schema.get("ref")
        main = {"type": "definition-ref", "schema_ref": ref} if ref in needed else schema
        return {"type": "definitions", "schema": main, "definitions": list(needed.values())}


def first_error(error: ValidationError) -> ErrorDetails:
    """Return the first of a validator's errors, without the value."""
    return error.errors(include_url=False, include_context=False, include_input=False)[0]


def _rule_of_values(schema: Schema, kind: Kind) -> str | None:
    """Return the rule of a literal or enum, if no value of a kind is one of its own."""
    is_enum = schema["type"] == "enum"
    if is_enum and _has_missing(schema):
        return None
    kinds: set[Kind] = set()
    for value in [member.value for member in schema["members"]] if is_enum else schema["expected"]:
        if type(value) not in _KINDS_OF_VALUES:
            return None
        kinds |= _KINDS_OF_VALUES[type(value)]
    if is_enum and "number" in kinds:
        kinds.add("string")
    return None if kind in kinds else "enum" if is_enum else "literal_error"


def _has_missing(enum_schema: Schema) -> bool:
    """Tell whether a hook of the user's class may take any value for a member of an enum."""
    return bool(enum_schema["cls"]._missing_.__module__ != "enum")


def _allowed_among(values: Iterable[object], *, is_certain: bool) -> AllowedStrings:
    """Return the strings among the values of a literal, an enum or a tag."""
    as_json = [each.value if isinstance(each, Enum) else each for each in values]
    words = {str(value) for value in as_json if isinstance(value, str)}
    return AllowedStrings(
        tuple(sorted(words)), is_certain and all(type(value) in _KINDS_OF_VALUES for value in as_json)
    )


def _changes_text(config: Schema) -> bool:
    """Tell whether a string may be compared in another form than it was written in."""
    return any(config.get(setting) for setting in _CHANGED_TEXT)


def _is_excluded(field: Schema) -> bool:
    """Tell whether a field is left out, always or on a condition, when its record is written."""
    return bool(field.get("serialization_exclude") or field.get("serialization_exclude_if"))


def _type_in_set(item: Schema) -> str:
    """Return the type of an item, which decides whether it has a hash: of a JSON text, that of a simple value in it."""
    inner = item["schema"]["type"] if item["type"] == "json" and "schema" in item else None
    return inner if inner in _LEAVES else cast(str, item["type"])


def _is_secret(schema: Schema) -> bool:
    """Tell whether a schema is that of ``SecretStr``, ``SecretBytes`` or ``Secret``: Pydantic writes them as stars."""
    serialization = schema.get("serialization")
    function: Any = serialization.get("function") if isinstance(serialization, dict) else None
    return getattr(function, "__module__", "") == "pydantic.types" and "secret" in function.__name__


def _discriminator(schema: Schema) -> str | None:
    """Return the key that a discriminated union reads its tag from, if it is a single one."""
    found = schema["discriminator"]
    return found if isinstance(found, str) else None


def _replaces_errors(schema: Schema) -> bool:
    """Tell whether a default takes the place of an invalid value."""
    return bool(schema.get("on_error", "raise") != "raise")


def _looks_around(function: Schema) -> bool:
    """Tell whether a validator may look at its siblings or the context; those of Pydantic's own types do not."""
    own = getattr(function["function"], "__module__", None) or ""
    return function["type"] == "with-info" and not own.startswith("pydantic.")


def _has_post_init(schema: Schema) -> bool:
    """Tell whether the user's code runs after the fields of a model or dataclass."""
    method = getattr(schema["cls"], schema["post_init"]) if isinstance(schema.get("post_init"), str) else None
    if method is not None:
        return not (method.__module__ or "").startswith("pydantic.")
    return bool(schema.get("post_init"))


def _alias_paths(field: Schema, name: str, config: Schema) -> list[list[str | int]]:
    """Return the places that a field is read from, in the order of their precedence."""
    alias = field.get("validation_alias")
    if alias is None:
        return [[name]]
    paths: list[list[str | int]] = []
    if config.get("validate_by_alias", True):
        paths = [[alias]] if isinstance(alias, str) else alias if isinstance(alias[0], list) else [alias]
    return [*paths, [name]] if config.get("validate_by_name") else paths


class _ByIdentity:
    """A type as a key of the cache: equal types need not be the same (``int | str == str | int``)."""

    def __init__(self, type_: object) -> None:
        self.type = type_

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and other.type is self.type

    def __hash__(self) -> int:
        return id(self.type)


def has_hidden(type_: object) -> bool:
    """Tell whether a value of a type may have hidden parts: a format that shows all of the text would show them."""
    return plans_of(type_).root_plan.holds_hidden


def plans_of(type_: object) -> Plans:
    """Return all plans of a type; of types that are often used, they are made once."""
    return _cached_plans_of(_ByIdentity(type_))


@lru_cache(maxsize=256)
def _cached_plans_of(key: _ByIdentity) -> Plans:
    return Plans(key.type)
