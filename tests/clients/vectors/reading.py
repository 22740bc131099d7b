"""A small reader of whole responses, which says what a client must make of them. No client shares its code.

It has the whole body before it begins, and copies what it shows: it need not be fast.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from tests.clients.vectors.vector import Response

JSON_LINES: Final = {"jsonl", "x-ndjson", "ndjson", "jsonlines", "json-lines"}
WHITE_SPACE: Final = " \t\r\n"
OK: Final = 200


class NotProtocol(Exception):
    """The bytes are not what the endpoint sends."""


def expected(response: Response | None) -> dict[str, Any]:
    """Return what a client must make of a response: the member ``expected`` of a vector."""
    reader = _Reader()
    if response is None:
        return reader.failed("network")
    fields = {name.lower(): value for name, value in response.headers.items()}
    if response.status == OK:
        result = _read_events(reader, fields["content-type"], response)
    else:
        result = _read_problem(reader, response)
    result.setdefault("requestId", fields.get("x-request-id"))
    if result["outcome"] != "complete" and "retry-after" in fields:
        result["retryAfter"] = int(fields["retry-after"])
    return {name: value for name, value in result.items() if value is not None or name in {"value", "usage", "partial"}}


def _read_problem(reader: "_Reader", response: Response) -> dict[str, Any]:
    try:
        problem = _parse(response.body.decode(errors="replace"))
    except NotProtocol:
        problem = {}
    if isinstance(problem.get("code"), str) and problem["code"]:
        return {"status": response.status, **reader.problem(problem)}
    return reader.failed(f"http_{response.status}", response.status)


def _read_events(reader: "_Reader", content_type: str, response: Response) -> dict[str, Any]:
    text = response.body.decode(errors="replace").removeprefix("\ufeff")
    try:
        for data in _texts(content_type, text):
            result = reader.take(_parse(data))
            if result is not None:
                return {"status": OK, **result} if result["outcome"] == "failed" else result
    except NotProtocol:
        return reader.failed("protocol", OK)
    return reader.ended("cut", code="cut", status=OK)


def _texts(content_type: str, text: str) -> Iterator[str]:
    kind, _, name = content_type.lower().partition(";")[0].partition("/")
    if (kind, name) == ("text", "event-stream"):
        return _messages(text)
    if kind == "application" and name in JSON_LINES:
        return _lines(text)
    raise NotProtocol


def _lines(text: str) -> Iterator[str]:
    *lines, rest = text.split("\n")
    yield from (line for line in lines if line.strip(WHITE_SPACE))
    try:
        _parse(rest)
    except NotProtocol:
        return
    yield rest


def _messages(text: str) -> Iterator[str]:
    *lines, _ = re.split("\r\n|\n|\r", text)
    data: list[str] = []
    for line in lines:
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        if not line:
            if any(data):
                yield "\n".join(data)
            data = []


def _parse(text: str) -> dict[str, Any]:
    """Return the JSON object that is this text."""
    try:
        value = json.loads(text, parse_constant=_not_json)
    except ValueError:
        raise NotProtocol from None
    if not isinstance(value, dict):
        raise NotProtocol
    return value


def _not_json(_: str) -> None:
    raise NotProtocol


class _Reader:
    def __init__(self) -> None:
        self.partials: list[Any] = []
        self.closed: list[str] = []
        self.restarts = 0
        self._root: list[Any] = []
        self._start: dict[str, Any] = {}

    def take(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """Read an event; return the result if it is the last one."""
        match event.get("type"):
            case "start":
                self.restarts += bool(self._start)
                self._begin()
                self._start = event
            case "restart":
                self.restarts += 1
                self._begin()
            case "delta":
                for change in event["changes"]:
                    self._apply(change)
                self._show()
            case "snapshot":
                self._root = [event["value"]]
                self._show()
            case "complete":
                names = ("value", "stopReason", "usage", "outputTokensEstimated", "model")
                return self.ended("complete", **{name: event[name] for name in names if name in event})
            case "error":
                problem = event.get("problem")
                if not isinstance(problem, dict) or not isinstance(problem.get("code"), str) or not problem["code"]:
                    raise NotProtocol
                return {**self.problem(problem), **({"model": event["model"]} if "model" in event else {})}
            case str():
                pass
            case _:
                raise NotProtocol
        return None

    def failed(self, code: str, status: int | None = None) -> dict[str, Any]:
        return self.ended("failed", code=code, status=status)

    def problem(self, problem: dict[str, Any]) -> dict[str, Any]:
        members = {"code": problem["code"], "problem": problem}
        if isinstance(problem.get("status"), int):
            members["status"] = problem["status"]
        return {"requestId": problem.get("requestId"), **self.ended("failed", **members)}

    def ended(self, outcome: str, **members: Any) -> dict[str, Any]:
        if self._root:
            members["partial"] = self._copy()
        known = {"requestId": self._start.get("id"), "model": self._start.get("model")}
        shown = {"partials": self.partials, "closed": self.closed, "restarts": self.restarts}
        given = {name: value for name, value in members.items() if value is not None or name in {"value", "usage"}}
        return {"outcome": outcome, **shown, **{name: it for name, it in known.items() if it is not None}, **given}

    def _begin(self) -> None:
        self._root, self.closed = [], []

    def _show(self) -> None:
        self.partials.append(self._copy())

    def _copy(self) -> Any:
        """Return a copy of the object; JSON makes one character of the two halves of a surrogate pair."""
        return json.loads(json.dumps(self._root[0])) if self._root else None

    def _apply(self, change: dict[str, Any]) -> None:
        node: Any = self._root
        key: Any = 0
        beginning, *steps = change["path"].split("/")
        if beginning:
            raise NotProtocol
        for step in steps:
            node = _child(node, key)
            key = _key(node, step)
        if "value" in change:
            _put(node, key, change["value"])
        elif "append" in change:
            before = _child(node, key)
            if not isinstance(before, str):
                raise NotProtocol
            node[key] = before + change["append"]
        if change.get("closed"):
            self.closed.append(change["path"])


def _child(node: Any, key: Any) -> Any:
    try:
        return node[key]
    except (IndexError, KeyError):
        raise NotProtocol from None


def _key(node: Any, step: str) -> Any:
    if isinstance(node, dict):
        return step.replace("~1", "/").replace("~0", "~")
    if isinstance(node, list) and re.fullmatch("0|[1-9][0-9]*", step):
        return int(step)
    raise NotProtocol


def _put(node: Any, key: Any, value: Any) -> None:
    if isinstance(node, dict) or key < len(node):
        node[key] = value
    elif key == len(node):
        node.append(value)
    else:
        raise NotProtocol
