"""What the user's code prints cannot spoil a line of the function's own. Child processes: the streams are global."""

import json

import pytest

from tests.aws.test_logs import logged

SPOILERS = {
    "half a line": "print('half', end='', flush=True)",
    "half a line on stderr": "print('half', end='', file=sys.stderr, flush=True)",
    "ten megabytes in one line": "print('x' * 10_000_000, end='')",
    "many small pieces": "[print('x', end='') for _ in range(100_000)]",
    "a closed stdout": "sys.stdout.close(); sys.stderr.close()",
    "another stdout": "sys.stdout = sys.stderr = None",
    "half a line by logging": "handler = logging.StreamHandler(); handler.terminator = ''; handler.emit(record)",
    "a thread that prints": (
        "threading.Thread(target=lambda: [print('x' * 100_000) for _ in range(100)], daemon=True).start()"
    ),
    "a lone surrogate": "print('\\ud800', end='')",
}
PROGRAM = """
import json, logging, os, sys, threading
from function.aws import output
output.install()
record = logging.makeLogRecord({{"msg": "half"}})
{spoiler}
for number in range(10):
    output.stdout().write(json.dumps({{"ours": number}}) + "\\n")
    output.stderr().write(json.dumps({{"ours": number}}) + "\\n")
os._exit(0)
"""


@pytest.mark.parametrize("spoiler", SPOILERS.values(), ids=SPOILERS.keys())
def test_every_line_of_ours_is_whole(spoiler: str) -> None:
    for written in logged(PROGRAM.format(spoiler=spoiler)):
        ours = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
        assert ours == [{"ours": number} for number in range(10)]


def test_a_line_that_does_not_end_is_kept_until_it_ends() -> None:
    out, _ = logged(
        """
    import os
    from function.aws import output
    output.install()
    print("a", end="")
    print("b", end="")
    print("c")
    os._exit(0)
    """,
    )
    assert out == "abc\n"
