"""For each rule of the vectors, a client without it fails one: so each rule has a vector."""

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.python.conftest import PACKAGE, VECTORS
from tests.clients.python.outcomes import expected, read, sizes

MODULES = ("__init__", "answer", "errors", "events", "framing", "growing", "partial", "reception")
MUTANTS = {
    "a byte order mark is skipped": ("framing", 'text.removeprefix("\\ufeff")', "text"),
    "a character can be cut": ("framing", "self._decoder.decode(data)", 'data.decode(errors="replace")'),
    "bytes that are not UTF-8 are replaced": ("framing", '("utf-8")("replace")', '("utf-8")("ignore")'),
    "an empty line is no event": ("framing", "if line.strip(WHITE_SPACE):", "if True:"),
    "white space alone is no event": ("framing", "if line.strip(WHITE_SPACE):", "if line:"),
    "only LF ends a line": (
        "framing",
        'text.split("\\n")\n        self._incomplete',
        'text.splitlines() + [""]\n        self._incomplete',
    ),
    "a last line needs no end": ("framing", "yield _event(", "return _event("),
    "half of a line is ignored": (
        "framing",
        "        except Malformed:\n            return\n",
        "        except Malformed:\n            raise\n",
    ),
    "NaN is not JSON": ("framing", "(parse_constant=_not_json)", "()"),
    "an event is an object": ("framing", "if not isinstance(value, dict):", "if not value:"),
    "an event has a type": ("framing", 'isinstance(event.get("type"), str)', 'event.get("type", 1)'),
    "CR LF is one end of a line": ("framing", 'text.removeprefix("\\n") if self._is_after_cr else text', "text"),
    "CR ends a line of a message": ("framing", '"\\r\\n|\\n|\\r"', '"\\r\\n|\\n"'),
    "several lines of data are joined": ("framing", 'yield "\\n".join(data)', 'yield "".join(data[:1])'),
    "a message without data is none": ("framing", "if any(data):", "if True:"),
    "media types know no case": ("framing", ".strip().lower()", ".strip()"),
    "another type is not understood": (
        "framing",
        '    if (kind, name) == ("text", "event-stream"):\n',
        "    if True:\n",
    ),
    "a slash in a key is escaped": ("growing", '.replace("~1", "/")', ""),
    "a tilde in a key is escaped": ("growing", '.replace("~0", "~")', ""),
    "escapes are read in their order": (
        "growing",
        '.replace("~1", "/").replace("~0", "~")',
        '.replace("~0", "~").replace("~1", "/")',
    ),
    "a position has no zero before it": ("growing", "0|[1-9][0-9]*", "[0-9]+"),
    "a list has no gaps": ("growing", "key == len(parent)", "key >= len(parent)"),
    "an item can be set again": (
        "growing",
        "            parent[key] = value\n",
        "            parent.insert(key, value)\n",
    ),
    "a value that is set again is another one": (
        "growing",
        "self._texts.pop((id(parent), key), None)\n        if",
        "if",
    ),
    "a path begins with a slash": ("growing", "if beginning:", "if False:"),
    "halves of a character are joined": ("growing", "if _is_between(last[-1:]", "if False and _is_between(last[-1:]"),
    "what is closed is known": ("growing", "self._closed.add(path)", "pass"),
    "null is a value": ("growing", 'if "value" in change:', 'if change.get("value") is not None:'),
    "an error ends the answer": (
        "reception",
        "raise self._known(self._failure(problem), problem)\n        return None",
        "return None",
    ),
    "complete ends the answer": ("reception", "while not self.is_complete and (", "while ("),
    "a second start voids the first": (
        "reception",
        "self._start, self.growing = event, Growing()",
        "self._start = event",
    ),
    "the second start counts": (
        "reception",
        "self._start, self.growing = event, Growing()",
        "self._start = self._start or event; self.growing = Growing()",
    ),
    "a restart voids what came before": (
        "reception",
        'case "restart":\n                self.growing = Growing()',
        'case "restart":\n                pass',
    ),
    "a snapshot is the object": ("reception", 'self.growing.set(event.get("value"))', "pass"),
    "the end needs a complete": (
        "reception",
        "        if not self.is_complete:\n            raise",
        "        if False:\n            raise",
    ),
    "unknown events are skipped": (
        "reception",
        "        return None\n\n    def _grow",
        '        if event["type"] == "cost":\n            raise Malformed\n        return None\n\n    def _grow',
    ),
    "an error has a code": ("reception", 'and bool(problem["code"])', ""),
    "a code is a text": ("reception", 'isinstance(problem.get("code"), str) and ', '"code" in problem and '),
    "a status can be missing": ("reception", "status if isinstance(status, int) else self._status or 0", "status"),
    "complete names the model": (
        "reception",
        'self._model = event.get("model")\n        self.is_complete',
        "self.is_complete",
    ),
    "an error names the model": ("reception", 'self._model = event.get("model")\n                if not', "if not"),
    "the header has the id": ("reception", ' or self._headers.get("x-request-id")', ""),
    "the problem has the id": (
        "reception",
        'self._start.get("id") or of_problem or self.request_id',
        "self.request_id",
    ),
    "the header has the seconds": ("reception", 'self._headers.get("retry-after", "")', '""'),
    "an estimate of the tokens is kept": ("reception", 'event.get("outputTokensEstimated")', "None"),
    "usage has all members": ("events", "cache_read_tokens: int | None = None", "cache_read_tokens: None = None"),
}
"""By rule: the module, what is in it, and what a client without the rule has there."""


def failed(client: Any) -> str | None:
    """Return the name of the first vector that a client does not pass."""
    for name, vector in VECTORS.items():
        response = vector.response
        if response and any(
            read(client.Reception(None), response, size) != expected(vector) for size in sizes(response)
        ):
            return name
    return None


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the client, as the package ``mutant``."""
    (tmp_path / "mutant").mkdir()
    for module in MODULES:
        shutil.copy(PACKAGE / "streaming_llm_client" / f"{module}.py", tmp_path / "mutant")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "mutant"
    for name in [name for name in sys.modules if name.partition(".")[0] == "mutant"]:
        del sys.modules[name]


def test_the_client_itself_passes_every_vector(client: Path) -> None:
    assert client.exists()
    assert failed(importlib.import_module("mutant.reception")) is None


@pytest.mark.parametrize(("module", "rule", "without"), MUTANTS.values(), ids=MUTANTS.keys())
def test_without_a_rule_a_vector_fails(client: Path, module: str, rule: str, without: str) -> None:
    source = (client / f"{module}.py").read_text()
    assert source.count(rule) == 1
    (client / f"{module}.py").write_text(source.replace(rule, without))

    assert failed(importlib.import_module("mutant.reception")) is not None
