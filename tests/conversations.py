"""Conversations for tests: valid ones, the bodies that clients send, and bodies in which anything can be wrong."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Final

from hypothesis import strategies as st

from function.endpoint import Document, Image, Message, Part
from tests.media_files import PDF, jpeg, png, webp

TEXTS: Final = st.text(max_size=20)
WORDS: Final = st.text("abc é🙂\u200b", min_size=1, max_size=9).map(lambda text: f"{text}!")
IMAGES: Final = st.sampled_from([Image(png(), "image/png"), Image(jpeg(), "image/jpeg"), Image(webp(), "image/webp")])
DOCUMENTS: Final = st.sampled_from([Document(PDF, "application/pdf"), Document(b"a,b", "text/csv")])
QUESTIONS: Final = st.tuples(
    WORDS, st.lists(IMAGES, max_size=4), st.lists(DOCUMENTS, max_size=1), st.lists(WORDS, max_size=1)
).map(lambda drawn: Message("user", [drawn[0], *drawn[1], *drawn[2], *drawn[3]]))
ANSWERS: Final = st.one_of(WORDS, st.lists(WORDS, min_size=1, max_size=2)).map(
    lambda drawn: Message("assistant", drawn)
)


@st.composite
def valid(draw: st.DrawFn) -> list[Message]:
    """Return at most four questions and the answers between them: one more document or image is no fault."""
    questions = draw(st.lists(QUESTIONS, min_size=1, max_size=4))
    told = [each for question in questions[:-1] for each in (question, draw(ANSWERS))]
    return [*told, questions[-1]]


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


def pieces(message: Message) -> Sequence[Part]:
    """Return the parts of a message, which need not be valid."""
    return [message.content] if isinstance(message.content, str | Image | Document) else message.content


def as_part(part: Part) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": part.kind, "mediaType": part.media_type, "data": encoded(part.data)}


def as_body(messages: Sequence[Message]) -> dict[str, Any]:
    """Return the body that a client sends."""
    return {
        "messages": [
            {
                "role": each.role,
                "content": each.content if isinstance(each.content, str) else [*map(as_part, pieces(each))],
            }
            for each in messages
        ]
    }


JSON: Final = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)
NAMES: Final = st.sampled_from(["role", "content", "type", "text", "data", "mediaType", "messages", "prompt"])


@st.composite
def nearly_valid(draw: st.DrawFn) -> object:
    """Return the body of a valid conversation in which one value is any other, has another name, or is gone."""
    body = as_body(draw(valid()))
    at: Any = body
    while True:
        key = draw(st.sampled_from([*at] if isinstance(at, dict) else range(len(at))))
        if not isinstance(at[key], dict | list) or not at[key] or draw(st.booleans()):
            break
        at = at[key]
    what = draw(st.sampled_from(["change", "remove", "add"]))
    if what == "change":
        at[key] = draw(JSON)
    elif what == "remove":
        del at[key]
    elif isinstance(at, dict):
        at[draw(NAMES)] = draw(JSON)
    else:
        at.insert(key, draw(JSON))
    return body


@st.composite
def claims(draw: st.DrawFn) -> object:
    shapes = st.one_of(
        st.fixed_dictionaries(
            {"data": st.sampled_from([encoded(png()), encoded(PDF), "AA=="])}, optional={"mediaType": TEXTS}
        ),
        st.sampled_from([f"data:image/png;base64,{encoded(png())}", "data:,", f"data:;base64,{encoded(b'x')}"]),
        JSON,
    )
    return draw(
        st.fixed_dictionaries(
            {"question": st.one_of(WORDS, TEXTS)}, optional={"photo": shapes, "papers": st.lists(shapes, max_size=7)}
        )
    )
