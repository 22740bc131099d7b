from pathlib import Path

from local.lambda_.function import Function
from tests.local.toys import deployed, echoing


def test_what_the_function_wrote_before_it_asked_stands_before_it_in_the_journal(tmp_path: Path) -> None:
    """So a test can tell what came before the request for the next event."""
    program = """
        answer(id, b"x")
        for number in range(100):
            write(number)
    """
    with Function(echoing(tmp_path, program)) as function:
        function.invoke(b"{}").read()
        function.wait_until_idle()

        order = function.journal.order("next", "event", "response end", "accepted", "output")

    assert order == ["next", "event", "response end", "accepted", *["output"] * 100, "next"]


def test_output_is_read_line_by_line_with_a_last_line_that_does_not_end(tmp_path: Path) -> None:
    """Both streams, in order."""
    program = """
        print("to stdout", flush=True)
        print("to stderr", file=sys.stderr, flush=True)
        print("no end", end="", flush=True)
        next_event()
        sys.exit()
    """
    lines: list[str] = []
    with Function(deployed(tmp_path, program), on_output=lines.append) as function:
        function.invoke(b"{}").read()

    assert lines == ["to stdout", "to stderr", "no end"]
