"""What a command shows of an answer: of every vector, and without the packages of the client."""

import io
import json
import subprocess
import sys
from pathlib import Path

from local.client import Reply
from local.growing import show_answer
from local.http11.server import Exchange, Server
from local.terminal import Terminal
from tests.clients.vectors.vector import Response, sent, vectors

ROOT = Path(__file__).resolve().parents[2]
VECTORS = {vector.name: vector for vector in vectors() if vector.response}
OBJECT = '{\n  "summary": "Pay per use.",\n  "keywords": [\n    "cost"\n  ]\n}\n'


def shown(response: Response, *, is_terminal: bool = False) -> tuple[bool, str]:
    """Return whether the answer of a response is complete, and what the screen shows of it."""

    def respond(exchange: Exchange) -> None:
        exchange.start(response.status, response.headers.items())
        for piece in filter(None, map(sent, response.pieces)):
            exchange.chunk(piece)
        exchange.cut() if response.is_cut or response.status == 204 else exchange.end()

    screen = io.StringIO()
    with Server(respond) as server, Reply(server.url) as reply:
        reply.wait()
        return show_answer(reply, Terminal(screen, is_terminal=is_terminal)), screen.getvalue()


def test_of_every_vector_the_answer_is_shown_or_what_is_wrong() -> None:
    for name, vector in VECTORS.items():
        assert vector.response is not None
        is_complete, text = shown(vector.response)

        last = text.splitlines()[-1]
        assert is_complete is (vector.expected["outcome"] == "complete"), name
        assert json.loads(last) == vector.expected["value"] if is_complete else last.isprintable(), name


def test_on_a_terminal_the_object_grows() -> None:
    response = VECTORS["complete-jsonl"].response
    failed = VECTORS["error-answer_truncated"].response
    assert response is not None
    assert failed is not None

    assert shown(response, is_terminal=True) == (True, OBJECT)
    is_complete, text = shown(failed, is_terminal=True)
    assert not is_complete
    assert text.startswith(
        '{\n  "summary": "Pay per use.",\n  "keywords": [\n    "cost"\nThe answer reached its length'
    )


def test_the_screen_needs_no_package_of_the_client() -> None:
    """Nor does it load one that happens to be installed."""
    program = "import sys, local.demo; sys.exit(bool({'httpx', 'rich'} & sys.modules.keys()))"

    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
