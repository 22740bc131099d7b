"""Does each event arrive when it was sent, or is the stream buffered on the way?"""

from collections.abc import Sequence

from ..arrivals import SENT_APART, Arrival, Burst, Pace, bursts, lateness, pace_of, timeline
from ..events import read_json_lines
from .run import LINES, Failed, Run, Skipped, Undecided


def streams_without_delay(run: Run) -> str:
    """Nothing between the function and the client buffers the stream.

    A single late answer can be a coincidence, so a second one is requested before the check fails.
    """
    response = run.request_shared_answer("pace", LINES, run.long_request)
    if not response.is_complete:
        raise Skipped("the response was cut")
    arrivals = [event.arrival for event in read_json_lines(response.pieces)]
    if pace_of(arrivals) in {Pace.UNDELAYED, Pace.UNKNOWN}:
        return describe_pace(arrivals)
    second = run.request_answer("pace, again", LINES, run.long_request)
    again = [event.arrival for event in read_json_lines(second.pieces)]
    if pace_of(again) is Pace.UNKNOWN:
        return describe_pace(arrivals)
    coincidence = "; an earlier answer was delayed, this one was not" if pace_of(again) is Pace.UNDELAYED else ""
    return describe_pace(again) + coincidence


def describe_pace(arrivals: Sequence[Arrival]) -> str:
    """Describe how the events arrived.

    Raises:
        Failed: some were delayed; the message says what to do and the timeline shows it.
        Undecided: they were sent too quickly to conclude anything.
    """
    pace = pace_of(arrivals)
    if pace is Pace.UNKNOWN:
        raise Undecided(
            f"all events were sent within {SENT_APART:.0f} ms, too quickly to see a delay. "
            "Request a longer answer with --body (make: BODY=)."
        )
    if pace is Pace.UNDELAYED:
        received_over = arrivals[-1].received - arrivals[0].received
        return f"{_sent(arrivals)} over {received_over:.0f} ms, none more than {max(lateness(arrivals)):.0f} ms late"
    raise Failed(_delay(arrivals, pace, bursts(arrivals)), timeline(arrivals))


def _sent(arrivals: Sequence[Arrival]) -> str:
    return f"{len(arrivals)} events, sent over {arrivals[-1].sent - arrivals[0].sent:.0f} ms, arrived"


def _delay(arrivals: Sequence[Arrival], pace: Pace, found: Sequence[Burst]) -> str:
    """Describe what was delayed and what to do about it."""
    first = found[0]
    if pace is Pace.ALL_AT_ONCE:
        return (
            f"{_sent(arrivals)} all at once, in {first.size} bytes. Either something on the way buffers the whole "
            "response (a proxy, an integration that is not in STREAM mode), or its start is buffered until more bytes "
            f"than these {first.size} have arrived. To find out, request a longer answer with --body (make: BODY=), or "
            f"set a startPadding above {first.size}"
        )
    if pace is Pace.IN_BLOCKS:
        return (
            f"{_sent(arrivals)} in {len(found)} blocks of up to {max(burst.size for burst in found)} bytes, up to "
            f"{max(burst.delay for burst in found):.0f} ms late. Something on the way, such as a proxy, buffers the "
            "whole stream: startPadding does not help"
        )
    return (
        f"the first {first.count} events were buffered for up to {first.delay:.0f} ms and arrived at once, in "
        f"{first.size} bytes. Set startPadding to {first.size}: pulumi config set startPadding {first.size}, then "
        "pulumi up"
    )
