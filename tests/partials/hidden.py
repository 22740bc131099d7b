"""Types with hidden fields, each with a document in which a canary stands wherever it must not be seen."""

import json
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    Field,
    Json,
    OnErrorOmit,
    RootModel,
    Secret,
    SecretBytes,
    SecretStr,
    model_validator,
)
from pydantic.dataclasses import dataclass
from typing_extensions import TypedDict

CANARY: Final = "canary-7f3a"


class Account(BaseModel):
    token: str = Field(exclude=True)
    number: int = 0


class Hides(BaseModel):
    word: SecretStr
    size: str = ""


class Shows(BaseModel):
    word: str
    count: int


class ByTag(BaseModel):
    kind: Literal["hides"]
    word: str = Field(exclude=True)


class ByOtherTag(BaseModel):
    kind: Literal["shows"]
    word: str


class Aliased(BaseModel):
    a: str = Field(exclude=True, alias="A~/")
    b: int = 0
    c: str = Field(exclude=True, default="", validation_alias=AliasChoices("c1", "c2"))
    d: str = Field(exclude=True, default="", validation_alias=AliasPath("outer", 0))
    e: Account | None = Field(None, validation_alias=AliasChoices("e1", "e2"))


class Renaming(BaseModel):
    token: str = Field(exclude=True)
    number: int = 0

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, data: Any) -> Any:
        return {"token": data["secret"], **data} if isinstance(data, dict) and "secret" in data else data


class OwnInit(BaseModel):
    token: str = Field(exclude=True)

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)


class Deep(BaseModel):
    inner: Account
    after: str = ""
    free: dict[str, Any] = Field(default_factory=dict, exclude=True)


class OnCondition(BaseModel):
    token: str = Field(exclude_if=lambda value: len(value) > 3)
    number: int = 1


class Typed(TypedDict):
    token: Annotated[str, Field(exclude=True)]
    number: int


@dataclass
class Data:
    token: str = Field(exclude=True)
    number: int = 0


class Secrets(BaseModel):
    a: SecretBytes
    b: Secret[dict[str, str]]
    c: Secret[int | str]
    d: list[SecretStr | int]
    e: Json[Account]
    f: int = 3


class Node(BaseModel):
    word: SecretStr
    nodes: list["Node"] = []


def _read(value: Any) -> Any:
    return {"token": value} if isinstance(value, str) else value


Tagged = Annotated[ByTag | ByOtherTag, Field(discriminator="kind")]
Read = Annotated[Account, BeforeValidator(_read)]

HIDDEN: Final[list[tuple[Any, Any, Any]]] = [
    # type, document, what is shown of it
    (Account, {"number": 1, "token": CANARY}, {"number": 1}),
    (Hides | Shows, {"word": CANARY, "count": 1}, {"count": 1}),
    (Hides | Shows, {"count": 1, "word": CANARY, "size": "s"}, {"count": 1, "size": "s"}),
    (Tagged, {"word": CANARY, "kind": "hides"}, {"kind": "hides"}),
    (Tagged, {"kind": "hides", "word": CANARY}, {"kind": "hides"}),
    (Tagged, {"kind": "shows", "word": "seen"}, {"kind": "shows", "word": "seen"}),
    (Aliased, {"A~/": CANARY, "b": 1, "c2": CANARY, "outer": [CANARY], "e2": {"token": CANARY}, "a": CANARY}, {"b": 1}),
    (Renaming, {"secret": CANARY, "number": 1}, None),
    (list[Renaming], [{"token": CANARY}], []),
    (list[OwnInit], [{"token": CANARY}], []),
    (
        Deep,
        {"free": {CANARY: [CANARY]}, "inner": {"token": CANARY, "number": 4}, "after": "t"},
        {"inner": {"number": 4}, "after": "t"},
    ),
    (OnCondition, {"token": CANARY, "number": 2}, {"number": 2}),
    (Typed, {"token": CANARY, "number": 1}, {"number": 1}),
    (Data, {"token": CANARY, "number": 1}, {"number": 1}),
    (
        Secrets,
        {"a": CANARY, "b": {CANARY: CANARY}, "c": CANARY, "d": [1, CANARY, 2], "e": json.dumps({"token": CANARY})},
        {"d": [1]},
    ),
    (Node, {"nodes": [{"word": CANARY, "nodes": [{"word": CANARY}]}], "word": CANARY}, {"nodes": [{"nodes": [{}]}]}),
    (RootModel[SecretStr], CANARY, None),
    (list[Account | None], [{"token": CANARY}, None], [{}, None]),
    (list[Read], [CANARY, {"token": CANARY}], []),
    (list[OnErrorOmit[Account]], [{"token": CANARY}, {"token": 1}], []),
    (dict[str, Account], {"a": {"token": CANARY}}, {"a": {}}),
    (tuple[Account, int], [{"token": CANARY}, 1], [{}, 1]),
]

MISTAKES: Final[list[tuple[Any, str, str]]] = [
    # type, document with a mistake below something hidden, the path that may be named
    (Deep, f'{{"inner": {{"token": {{"{CANARY}": 1}}}}}}', "/inner/token"),
    (Secrets, f'{{"b": {{"{CANARY}": 3}}}}', "/b"),
    (list[Renaming], f'[{{"token": {{"{CANARY}": 3}}}}]', "/0"),
    (Secrets, f'{{"d": ["{CANARY}", 1, []]}}', "/d/2"),
    (Node, f'{{"word": "{CANARY}", "nodes": [{{"word": ["{CANARY}"]}}]}}', "/nodes/0/word"),
]
