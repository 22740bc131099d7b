"""Plans: what a schema of Pydantic allows at each of its positions."""

import json
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Final, NamedTuple, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import CoreConfig, CoreSchema, PydanticOmit, PydanticUseDefault, SchemaError, SchemaValidator

from .reader import Kind

Schema = dict[str, Any]

_NO_CONFIG: Final[Schema] = {}
BRIEF: Final[Any] = {"include_url": False, "include_context": False, "include_input": False}
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
CONTAINERS: Final[tuple[Kind, ...]] = ("object", "array")
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


class Shape:
    """What may stand in a container: plans by key or index, and for the rest a plan, a rule, or None (wait)."""

    __slots__ = ("fields", "high", "keys", "low", "record", "required", "rest", "whole")

    def __init__(self, rest: "Plan | str | None", *, record: bool = False, whole: bool = False) -> None:
        self.fields: dict[object, Plan | None] = {}
        self.rest = rest
        self.record = record
        """It is what validators with ``info`` look at."""
        self.whole = whole
        """Nothing but its own validator proves it."""
        self.required: frozenset[object] = frozenset()
        self.keys: Plan | None = None
        self.low = 0
        self.high: int | None = None

    def complete(self, seen: int, length: int) -> bool:
        """Tell whether valid members prove the container."""
        enough = seen == len(self.required) and length >= self.low
        return enough and not self.whole and (self.high is None or length <= self.high)


class Tag:
    """The discriminator of a union: the key it is read from, and which plan a tag chooses."""

    def __init__(self, book: "Book", schema: Schema, config: Schema, key: str) -> None:
        self.key = key
        self._prefix = f"{{{json.dumps(key)}:".encode()
        self._plans = [book.plan(choice, config) for choice in schema["choices"].values()]
        numbered = {
            tag: {"type": "function-plain", "function": {"type": "no-info", "function": lambda _, n=number: n}}
            for number, tag in enumerate(schema["choices"])
        }
        self._number = SchemaValidator(cast(Any, {**schema, "choices": numbered}), cast(CoreConfig, config))

    def choose(self, text: bytearray) -> "Plan | ValidationError":
        """Return the plan for a tag as it was written."""
        try:
            plan: Plan = self._plans[self._number.validate_json(self._prefix + text + b"}")]
        except ValidationError as error:
            return error
        ways, _ = plan.opening("object")
        if len(ways) == 1 and (plan.members == (plan,) or not plan.whole):
            return ways[0]
        return plan.closed()


class Core(NamedTuple):
    """A schema without the wrappers that leave the shape of a value alone, and what they mean for it."""

    schema: Schema
    config: Schema
    opaque: bool
    """Functions may change or forgive what is inside: nothing is known before the close."""
    whole: bool
    """A function has a say when the value closes."""


class Plan:
    """One position of a schema: what proves a value, what it may open with, and its validator. Made on first sight."""

    def __init__(self, book: "Book", schema: Schema, config: Schema, *, closed: bool = False) -> None:
        self._book = book
        self._schema = schema
        self._config = config
        self._closed = closed
        self._openings: dict[Kind, tuple[tuple[Plan, ...], str | None]] = {}
        self._entries: dict[Kind, tuple[Plan | None, Shape | None, Shape | None]] = {}

    @cached_property
    def core(self) -> Core:
        """The schema without its wrappers."""
        return self._book.peel(self._schema, self._config)

    @cached_property
    def waits(self) -> bool:
        """A function looks beyond the value: only an enclosing object's validator can judge."""
        return self._book.waits(self._schema)

    @cached_property
    def whole(self) -> bool:
        """A function has a say when the value closes."""
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
    def members(self) -> "tuple[Plan, ...]":
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
        flat: list[Plan] = []
        for plan in plans:
            if plan.members == (plan,) or not (plan.whole or plan.waits):
                flat += plan.members
            else:
                flat.append(plan.closed())
        return tuple(flat)

    def closed(self) -> "Plan":
        """Return a plan of the same position that judges nothing before the close."""
        return Plan(self._book, self._schema, self._config, closed=True)

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
    def fields(self) -> Shape | None:
        """What may stand in an object; None if that is not known before it closes."""
        return None if self.opaque else self._book.shape(self.core, items=False)

    @cached_property
    def items(self) -> Shape | None:
        """What may stand in an array; None if that is not known before it closes."""
        return None if self.opaque else self._book.shape(self.core, items=True)

    @cached_property
    def quick_fields(self) -> Shape | None:
        """The same, if nothing has to be said of a key or index but the plan of what stands there."""
        return self.fields if self.fields is not None and self.fields.keys is None else None

    @cached_property
    def quick_items(self) -> Shape | None:
        """The same of an array."""
        return self.items if self.items is not None and self.items.high is None else None

    @cached_property
    def tag(self) -> Tag | None:
        """The discriminator, if this is a union that has one."""
        schema, config = self.core.schema, self.core.config
        if self.opaque or schema["type"] != "tagged-union" or self.members != (self,):
            return None
        return Tag(self._book, schema, config, cast(str, self._book.tag_key(schema)))

    def entry(self, kind: Kind) -> "tuple[Plan | None, Shape | None, Shape | None]":
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

    def opening(self, kind: Kind) -> "tuple[tuple[Plan, ...], str | None]":
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
        first = error.errors(**BRIEF)[0]
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


class Book:
    """All plans of one type."""

    def __init__(self, type_: object) -> None:
        adapter = TypeAdapter[Any](cast(Any, type_))
        self.validate = adapter.validate_json
        self._definitions: dict[str, Schema] = {}
        self._plans: dict[tuple[int, int], tuple[Plan, Schema]] = {}
        self._shapes: dict[tuple[int, bool], Shape | None] = {}
        self.anything = Plan(self, {"type": "any"}, {})
        schema = cast(Schema, adapter.core_schema)
        self.root = self.plan(schema if isinstance(schema, dict) else dict(schema), {})

    def plan(self, schema: Schema, config: Schema) -> Plan:
        """Return the plan of a schema under a model's config, always the same one."""
        key = id(schema), id(config)
        if key not in self._plans:
            self._plans[key] = Plan(self, schema, config), config
        return self._plans[key][0]

    def peel(self, schema: Schema, config: Schema) -> Core:
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
                return Core(schema, config, opaque, whole)

    def tag_key(self, schema: Schema) -> str | None:
        """Return the key that a discriminated union reads its tag from, if it is a single one."""
        found = schema["discriminator"]
        return found if isinstance(found, str) else None

    def shape(self, core: Core, *, items: bool) -> Shape | None:
        """Return what may stand in an object or array of a schema, if that is known."""
        key = id(core.schema), items
        if key not in self._shapes:
            type_ = core.schema["type"]
            build = (self._ARRAYS if items else self._OBJECTS).get(type_)
            self._shapes[key] = build(self, core.schema, core.config) if build else None
        return self._shapes[key]

    def _any(self, schema: Schema, config: Schema) -> Shape:  # noqa: ARG002 one signature for all shapes
        return Shape(self.anything)

    def _dict(self, schema: Schema, config: Schema) -> Shape:
        shape = Shape(self._of(schema, "values_schema", config))
        keys = self._of(schema, "keys_schema", config)
        shape.low, shape.high = schema.get("min_length") or 0, schema.get("max_length")
        if str not in keys.proves:
            # Two keys may become one, so nothing but the validator can count them.
            shape.whole = shape.low > 0 or shape.high is not None
            shape.keys = Plan(self, {"type": "dict", "keys_schema": schema["keys_schema"]}, config)
            if keys.waits:
                shape.keys = shape.rest = None
        return shape

    def _record(self, schema: Schema, config: Schema) -> Shape:
        kind = schema["type"]
        extra = schema.get("extra_behavior") or config.get("extra_fields_behavior") or "ignore"
        shape = Shape(self.anything, record=True, whole="extras_keys_schema" in schema)
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

    def _list(self, schema: Schema, config: Schema) -> Shape:
        shape = Shape(self._of(schema, "items_schema", config))
        shape.low, shape.high = schema.get("min_length") or 0, schema.get("max_length")
        return shape

    def _set(self, schema: Schema, config: Schema) -> Shape:
        shape = Shape(self._of(schema, "items_schema", config))
        item = cast(Plan, shape.rest)
        kinds = {member.core.schema["type"] for member in item.members}
        # Equal items become one, so nothing but the validator can count them.
        counted = bool(schema.get("min_length")) or schema.get("max_length") is not None
        shape.whole = counted or item.opaque or not kinds <= _LEAVES
        if kinds & _UNHASHABLE:
            shape.rest = None  # an item that is valid by itself can be wrong in a set
        return shape

    def _tuple(self, schema: Schema, config: Schema) -> Shape:
        plans = [self.plan(item, config) for item in schema["items_schema"]]
        shape = Shape(None)
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

    def _of(self, schema: Schema, name: str, config: Schema) -> Plan:
        return self.plan(schema[name], config) if schema.get(name) else self.anything

    _OBJECTS: ClassVar[dict[str, Callable[["Book", Schema, Schema], Shape]]] = {
        "any": _any,
        "dict": _dict,
        "frozendict": _dict,
        "ordered-dict": _dict,
        "model-fields": _record,
        "typed-dict": _record,
        "dataclass-args": _record,
    }
    _ARRAYS: ClassVar[dict[str, Callable[["Book", Schema, Schema], Shape]]] = {
        "any": _any,
        "list": _list,
        "set": _set,
        "frozenset": _set,
        "tuple": _tuple,
    }

    def waits(self, schema: Schema) -> bool:
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

    def bound(self, schema: Schema) -> Schema:
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
                left += [part for name, part in node.items() if name not in _NO_SCHEMAS]
            elif isinstance(node, (list, tuple)):
                left += node
        if not needed:
            return schema
        ref = schema.get("ref")
        main = {"type": "definition-ref", "schema_ref": ref} if ref in needed else schema
        return {"type": "definitions", "schema": main, "definitions": list(needed.values())}


def _forgives(schema: Schema) -> bool:
    """Tell whether a default takes the place of a value that is wrong."""
    return bool(schema.get("on_error", "raise") != "raise")


def _looks_around(function: Schema) -> bool:
    """Tell whether a validator may look at its siblings or the context; those of Pydantic's own types do not."""
    own = getattr(function["function"], "__module__", None) or ""
    return function["type"] == "with-info" and not own.startswith("pydantic.")


def _has_post_init(schema: Schema) -> bool:
    """Tell whether code of the user's runs after a model's or dataclass's fields."""
    method = getattr(schema["cls"], schema["post_init"]) if isinstance(schema.get("post_init"), str) else None
    if method is not None:
        return not (method.__module__ or "").startswith("pydantic.")
    return bool(schema.get("post_init"))


def _paths(field: Schema, name: str, config: Schema) -> list[list[str | int]]:
    """Return where a field is read from, the places that win first."""
    alias = field.get("validation_alias")
    if alias is None:
        return [[name]]
    paths: list[list[str | int]] = []
    if config.get("validate_by_alias", True):
        paths = [[alias]] if isinstance(alias, str) else alias if isinstance(alias[0], list) else [alias]
    return [*paths, [name]] if config.get("validate_by_name") else paths


class Same:
    """A type as a key: types that are equal need not be the same (``int | str == str | int``)."""

    def __init__(self, type_: object) -> None:
        self.type = type_

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.type is self.type

    def __hash__(self) -> int:
        return id(self.type)


@lru_cache(maxsize=256)
def book_of(same: Same) -> Book:
    """Return the plans of a type, made once."""
    return Book(same.type)
