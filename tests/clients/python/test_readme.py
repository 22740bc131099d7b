"""The example of the package's page runs."""

import re
from typing import Any

import pytest

from tests.clients.python.conftest import PACKAGE, Peer, response


def test_the_example_runs(peer: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    [code] = re.findall(r"^```python\n(.*?)^```$", (PACKAGE / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "example", "url": peer.url}
    peer.responses.append(response("complete-jsonl"))

    exec(code, names)  # noqa: S102 - our own page

    assert capsys.readouterr().out == "Pay per\nPay per use.\nPay per use.\n"
    assert names["answer"].model_dump() == {"summary": "Pay per use.", "keywords": ["cost"]}
