"""What a screen shows of a growing object."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from function.partials import Partials
from function.stream.encoders import written_change
from streaming_llm_client.errors import StreamError
from streaming_llm_client.growing import Growing
from streaming_llm_client.partial import Partial
from streaming_llm_client.reception import Reception
from streaming_llm_client.terminal import Indented, Lines, View, escaped, printable
from tests.clients.vectors.vector import vectors

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
HOSTILE = "\x1b[2J\x1b]0;title\x07\r\x9b31m\u202eevil\u2066\u200b\x7f\x00<script>alert(1)</script>\ud800"


PATH = "/" + HOSTILE.replace("/", "~1")


class Screen:
    """What was written, and after which change."""

    def __init__(self, view: Callable[[Callable[[str], object]], View]) -> None:
        self.text = ""
        self.view = view(self._write)
        self.growing = Growing()

    def _write(self, text: str) -> None:
        self.text += text

    def show(self, *changes: dict[str, Any]) -> str:
        """Show an event; return what is written for it."""
        before = len(self.text)
        for change in changes:
            self.growing.apply(change)
        self.view.show(Partial(self.growing, changes))
        return self.text[before:]


def test_the_object_grows_at_its_end() -> None:
    screen = Screen(Indented)

    assert screen.show({"path": "", "value": {}}, {"path": "/summary", "value": "Pay"}) == '{\n  "summary": "Pay'
    assert screen.show({"path": "/summary", "append": ' "per'}) == ' \\"per'
    assert screen.show({"path": "/summary", "append": " use.", "closed": True}) == ' use."'
    assert (
        screen.show({"path": "/l", "value": []}, {"path": "/l/0", "value": 1, "closed": True}) == ',\n  "l": [\n    1'
    )
    assert screen.show({"path": "/l/1", "value": {}}, {"path": "/l/1", "closed": True}) == ",\n    {}"
    assert screen.show({"path": "/l", "closed": True}, {"path": "", "closed": True}) == "\n  ]\n}"
    screen.view.finish(screen.growing.value)
    assert json.loads(screen.text) == {"summary": 'Pay "per use.', "l": [1, {}]}
    assert screen.text == json.dumps(screen.growing.value, indent=2).replace("{}", "{}") + "\n"


@settings(max_examples=60)
@given(json_values, st.randoms(use_true_random=False))
def test_any_document_ends_as_indented_json(document: Any, chance: Any) -> None:
    """Wherever the model's text is cut: nothing that was written has to be changed."""
    text, screen = json.dumps(document) + " ", Screen(Indented)
    partials: Partials[Any] = Partials(Any)
    while text:
        size = chance.randint(1, 12)
        screen.show(*(json.loads(written_change(change)) for change in partials.feed(text[:size])))
        text = text[size:]
    screen.view.finish(document)

    assert screen.text == printable(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"


def test_an_answer_that_differs_is_shown_below() -> None:
    """A class can have defaults and computed fields."""
    screen = Screen(Indented)
    screen.show({"path": "", "value": {}}, {"path": "/a", "value": 1, "closed": True}, {"path": "", "closed": True})

    screen.view.finish({"a": 1, "b": 2})

    assert screen.text == '{\n  "a": 1\n}\n\nThe validated answer:\n{\n  "a": 1,\n  "b": 2\n}\n'


def test_an_answer_without_deltas_is_shown() -> None:
    screen = Screen(Indented)

    screen.view.finish(7)

    assert screen.text == "7\n"


def test_an_answer_that_stops_ends_its_line() -> None:
    screen = Screen(Indented)
    screen.show({"path": "", "value": "Pay"})

    screen.view.stop()

    assert screen.text == '"Pay\n'


def test_a_new_beginning_is_said() -> None:
    screen = Screen(Indented)
    screen.show({"path": "", "value": {}}, {"path": "/a", "value": "x"})
    screen.growing = Growing()

    assert screen.show({"path": "", "value": {}}, {"path": "/b", "value": "y"}) == (
        '\nThe model starts again.\n{\n  "b": "y'
    )


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/a", "value": 2},
        {"path": "/b/0", "value": 3},
        {"path": "/a/x", "value": 3},
        {"path": "/c", "append": "z"},
    ],
)
def test_a_change_elsewhere_leaves_the_rest_to_the_end(change: dict[str, Any]) -> None:
    """No endpoint of this project sends one."""
    screen = Screen(Indented)
    screen.show({"path": "", "value": {"a": {}, "b": [1], "c": "y", "d": "w"}})
    before = screen.text

    screen.show(change, {"path": "/e", "value": 4})
    screen.view.finish(screen.growing.value)

    shown, _, answer = screen.text.partition("The validated answer:\n")
    assert shown.startswith(before)
    assert json.loads(answer) == screen.growing.value


def test_elsewhere_each_final_value_is_a_line() -> None:
    screen = Screen(Lines)

    assert screen.show({"path": "", "value": {}}, {"path": "/a~1b", "value": "Gr"}) == ""
    assert screen.show({"path": "/a~1b", "append": "ü\n", "closed": True}) == '/a~1b "Grü\\n"\n'
    assert screen.show({"path": "/l", "value": []}, {"path": "/l", "closed": True}) == "/l []\n"
    assert screen.show({"path": "", "closed": True}) == ""
    screen.view.finish({"a/b": "Grü\n", "l": []})
    assert screen.text.splitlines()[-1] == '{"a/b": "Grü\\n", "l": []}'


@pytest.mark.parametrize("view", [Indented, Lines])
def test_nothing_that_the_model_writes_can_drive_the_screen(view: Callable[[Callable[[str], object]], View]) -> None:
    """In values, keys and paths; what is shown is still JSON."""
    screen = Screen(view)
    screen.show({"path": "", "value": {}}, {"path": PATH, "value": HOSTILE[:5]})
    screen.show({"path": PATH, "append": HOSTILE[5:], "closed": True}, {"path": "", "closed": True})
    screen.view.finish(screen.growing.value)

    assert all(character.isprintable() or character == "\n" for character in screen.text)
    assert "<script>" in screen.text
    last = screen.text.splitlines()[-1] if view is Lines else screen.text
    assert json.loads(last) == {HOSTILE: HOSTILE}


@pytest.mark.parametrize(
    "code", [*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200B, 0x202E, 0x2028, 0x2066, 0xD800, 0xFEFF]
)
def test_a_control_character_is_an_escape(code: int) -> None:
    assert escaped(f"a{chr(code)}b") == f"a\\u{code:04x}b"
    assert printable("a\nb\x1b") == "a\nb\\u001b"


@pytest.mark.parametrize("view", [Indented, Lines])
def test_every_vector_can_be_shown(view: Callable[[Callable[[str], object]], View]) -> None:
    for vector in vectors():
        if vector.response and vector.response.status == 200:
            screen, reception = Screen(view), Reception[Any](None)
            headers = {name.lower(): value for name, value in vector.response.headers.items()}
            try:
                reception.begin(200, headers)
                for partial in reception.feed(vector.response.body):
                    screen.view.show(partial)
                screen.view.finish(reception.answer)
            except StreamError:
                screen.view.stop()
            assert screen.text == "" or screen.text.endswith("\n")
