from typing import Any

from streaming_llm_client.events import Change
from streaming_llm_client.growing import Growing
from streaming_llm_client.partial import Partial

CHANGES: list[dict[str, Any]] = [
    {"path": "", "value": {}},
    {"path": "/a", "value": None, "closed": True},
    {"path": "/b", "value": "x", "later": 1, "_fields_set": 1},
    {"path": "/b", "append": "y"},
]


def partial() -> Partial[object]:
    growing = Growing()
    for change in CHANGES:
        growing.apply(change)
    return Partial(growing, CHANGES)


def test_a_partial_shows_the_object_so_far() -> None:
    shown = partial()

    assert shown.value == {"a": None, "b": "xy"}
    assert (shown.get("/b"), shown.get("/a", "absent"), shown.get("/c", "absent")) == ("xy", None, "absent")
    assert (shown.is_closed("/a"), shown.is_closed("/b"), shown.is_closed("")) == (True, False, False)


def test_its_changes_tell_null_from_nothing() -> None:
    root, null, text, more = partial().changes

    assert root.value == {}
    assert null == Change(path="/a", value=None, closed=True)
    assert (null.value, "value" in null.model_fields_set) == (None, True)
    assert (text.path, text.value, text.append, text.closed) == ("/b", "x", None, None)
    assert (more.append, "value" in more.model_fields_set) == ("y", False)
