"""Shows an answer while it grows, with the view and the reader of the Python client."""

import sys
from pathlib import Path
from typing import Any

from .client import End, Reply
from .terminal import Terminal, printable

CLIENT = Path(__file__).resolve().parent.parent / "clients" / "python"
if str(CLIENT) not in sys.path:
    sys.path.append(str(CLIENT))  # a distribution of its own, which nobody needs to install to see the demo

from streaming_llm_client.errors import StreamError, reason  # noqa: E402 - from the path above
from streaming_llm_client.reception import Reception  # noqa: E402 - as above
from streaming_llm_client.terminal import Indented, Lines  # noqa: E402 - as above


def show_answer(reply: Reply, terminal: Terminal) -> bool:
    """Show an answer as typed events bring it, or why there is none; return whether it is complete."""
    reception: Reception[Any] = Reception(None)
    view = Indented(terminal.write) if terminal.is_terminal else Lines(terminal.write)
    try:
        if not reception.begin(reply.status, reply.headers):
            raise reception.refused(reply.body())
        for chunk in reply.chunks():
            for partial in reception.feed(chunk):
                view.show(partial)
        for partial in reception.end(None if reply.end is End.CLEAN else ConnectionError("the response was cut")):
            view.show(partial)
    except StreamError as error:
        view.stop()
        terminal.line(printable(reason(error)))
        return False
    view.finish(reception.answer)
    return True
