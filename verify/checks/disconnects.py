"""A client that disconnects early."""

from verify.advice import named

from .formats import RAW
from .run import JSON, Visit, expect, size_of


def leaving(visit: Visit) -> str:
    """A reader who leaves early does not disturb the next one."""
    left = visit.ask_model("left early", RAW, visit.brief, leave_after=1)
    answer = visit.share("after that", JSON, visit.brief)
    expect(answer.whole and answer.document() is not None, f"the answer after it was cut off{named(answer)}")
    return f"left after {size_of(left)}; the next answer, of {size_of(answer)}, is whole"
