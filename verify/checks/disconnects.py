"""Does a client that disconnects early leave the next one undisturbed?"""

from ..advice import with_id
from .formats import TEXT
from .run import JSON, Run, expect


def client_disconnects(run: Run) -> str:
    """After a client has disconnected in the middle of an answer, the next answer is complete."""
    left = run.request_answer("a client that disconnects", TEXT, run.short_request, disconnect_after=1)
    response = run.request_shared_answer("the request after it", JSON, run.short_request)
    is_complete = response.is_complete and response.document() is not None
    expect(is_complete, f"the answer after it was cut{with_id(response)}")
    return f"disconnected after {left.size}; the next answer, of {response.size}, is complete"
