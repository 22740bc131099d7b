import io
import json
from typing import Any

from rich.console import Console

from streaming_llm_client.growing import Growing
from streaming_llm_client.partial import Partial
from streaming_llm_client.rich_view import Coloured, drawn
from tests.clients.python.test_terminal import HOSTILE


def partial(*changes: dict[str, Any]) -> Partial[Any]:
    growing = Growing()
    for change in changes:
        growing.apply(change)
    return Partial(growing, changes)


def test_what_is_open_is_told_apart_from_what_is_final() -> None:
    growing = partial(
        {"path": "", "value": {}},
        {"path": "/a", "value": "x", "closed": True},
        {"path": "/l", "value": [1]},
        {"path": "/b", "value": "y"},
    )

    text = drawn(growing.value, growing)

    assert text.plain == '{\n  "a": "x",\n  "l": [\n    1\n  ],\n  "b": "y▌\n}'
    assert {(text.plain[span.start : span.end], span.style) for span in text.spans} >= {
        ('"x"', "green"), ('"y▌', "italic yellow"), ('"a": ', "cyan"), ("}", "dim"), ("1", "magenta"),
    }  # fmt: skip


def test_a_final_value_is_indented_json() -> None:
    value = {"a": [1, {"b/~": None}], "c": {}, "d": [], "e": "ü\n"}

    assert drawn(value).plain == json.dumps(value, indent=2, ensure_ascii=False)


def console(height: int = 10) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=80, height=height, color_system="standard")


def test_the_answer_takes_the_place_of_the_growing_object() -> None:
    screen = console()
    view = Coloured(screen)
    view.show(partial({"path": "", "value": "Pay"}))
    view.finish("Pay per use.")

    assert isinstance(screen.file, io.StringIO)
    shown = screen.file.getvalue()
    assert '"Pay▌' in shown
    assert shown.rstrip().endswith('"Pay per use."\x1b[0m')


def test_of_a_high_object_the_end_is_shown_while_it_grows() -> None:
    screen = console(height=5)
    view = Coloured(screen)
    view.show(partial({"path": "", "value": list(range(100, 200))}))
    view.stop()

    assert isinstance(screen.file, io.StringIO)
    assert "199" in screen.file.getvalue()
    assert "195" not in screen.file.getvalue()


def test_nothing_that_the_model_writes_can_drive_the_screen() -> None:
    for text in (drawn({HOSTILE: HOSTILE}), drawn({"[bold]": "[link=x]y[/link]"})):
        assert all(character.isprintable() or character == "\n" for character in text.plain)
    assert "[link=x]y[/link]" in text.plain
