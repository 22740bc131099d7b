import json
import signal
import subprocess
import sys

import pytest

from local.screen import Progress, curl, readable
from local.twin import CHECKOUT


def test_the_curl_line_is_one_that_a_shell_understands() -> None:
    """The body is JSON in single quotes; nothing is buffered."""
    assert curl("http://h/v1/stream") == 'curl --no-buffer http://h/v1/stream -d \'{"prompt": "Why is the sky blue?"}\''


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            {"stage": "log", "message": "request completed", "first_chunk_ms": 5, "last_chunk_ms": 9, "chunks": 3},
            "log       request completed: first chunk after 5 ms, last after 9 ms, 3 chunks",
        ),
        (
            {
                "stage": "log",
                "message": "request failed",
                "error.type": "model_failed",
                "first_chunk_ms": None,
                "causes": [{"type": "ModelFailed"}, {"type": "ProtocolError"}],
            },
            "log       request failed: model_failed, caused by ModelFailed < ProtocolError",
        ),
        ({"stage": "store", "message": "record stored"}, "store     record stored"),
        ({"_aws": {}}, None),
        ({"message": "something else"}, 'function  {"message": "something else"}'),
        ([1], "function  [1]"),
    ],
)
def test_a_line_of_the_function_is_shortened_for_people(line: object, expected: str | None) -> None:
    """Stages in a few words, metrics not at all, anything else as it is."""
    assert readable(json.dumps(line)) == expected


def test_text_that_is_no_json_stays_as_it_is() -> None:
    """Such as a traceback."""
    assert readable("Traceback …\rError") == "function  Traceback …\n          Error"


def test_progress_elsewhere_than_on_a_terminal_is_a_line_for_each_kind_of_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not one for each step of it, which would fill a log."""
    progress = Progress()

    progress("Fetching: 1 of 3 MB")
    progress("Fetching: 2 of 3 MB")
    progress("Starting")
    progress.note("It runs.")

    assert capsys.readouterr().out == "Fetching: 1 of 3 MB …\nStarting …\nIt runs.\n"


OTHER_THREAD = """
import signal, threading
from local.screen import run, wait_for_signal

def tell():
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

def command():
    threading.Thread(target=tell).start()
    wait_for_signal()

run(command)
"""


def test_a_signal_ends_the_wait_whichever_thread_gets_it() -> None:
    """The kernel chooses; the main thread, which handles it, is asleep."""
    done = subprocess.run([sys.executable, "-c", OTHER_THREAD], cwd=CHECKOUT, check=False)  # noqa: S603 - ours

    assert done.returncode == 128 + signal.SIGTERM
