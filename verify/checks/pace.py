"""Does each event come when it was sent?"""

from collections.abc import Sequence

from verify.arrivals import SENT_APART, Arrival, Finding, bursts, judge, lateness, timeline
from verify.events import arrivals_of, json_lines

from .run import LINES, Failed, Skipped, Undecided, Visit


def pace(visit: Visit) -> str:
    """Each event comes when it was sent: the way from the function holds nothing back.

    What comes late once may be chance, so it is asked for again.
    """
    answer = visit.share("pace", LINES, visit.long)
    if not answer.whole:
        raise Skipped("the answer was cut off")
    arrivals = arrivals_of(json_lines(answer.pieces))
    visit.table = timeline(arrivals)
    if judge(arrivals) in {Finding.IN_TIME, Finding.TOO_QUICK}:
        return paced(arrivals)
    again = arrivals_of(json_lines(visit.ask_model("pace, again", LINES, visit.long).pieces))
    if judge(again) is Finding.TOO_QUICK:
        return paced(arrivals)
    visit.table = timeline(again)
    by_chance = "; only the answer before it came late: chance" if judge(again) is Finding.IN_TIME else ""
    return paced(again) + by_chance


def paced(arrivals: Sequence[Arrival]) -> str:
    """Say how the events came.

    Raises:
        Failed: some were held back; the message names the remedy.
        Undecided: they were sent too quickly to tell.
    """
    finding, found = judge(arrivals), bursts(arrivals)
    if finding is Finding.TOO_QUICK:
        raise Undecided(
            f"all was sent within {SENT_APART:.0f} ms, too quickly to tell. "
            """Ask for a longer answer: BODY='{"prompt": "…"}'"""
        )
    sent = f"{len(arrivals)} events, sent over {arrivals[-1].sent - arrivals[0].sent:.0f} ms, came"
    if finding is Finding.IN_ONE_PIECE:
        raise Failed(
            f"{sent} in one piece of {found[0].size} bytes. Either the whole answer is gathered on the way (a proxy, "
            "an integration that is not in STREAM mode), or its start is held back until there are even more bytes: "
            f"ask for a longer answer to tell (BODY=), or try the remedy, startPadding above {found[0].size}"
        )
    if finding is Finding.IN_BLOCKS:
        raise Failed(
            f"{sent} in {len(found)} blocks of up to {max(it.size for it in found)} bytes, up to "
            f"{max(it.held for it in found):.0f} ms late. Something gathers bytes all along the way, a proxy perhaps: "
            "startPadding does not help"
        )
    if finding is Finding.HELD_BACK:
        held = found[0]
        raise Failed(
            f"the first {held.count} events were held back for up to {held.held:.0f} ms and came in one piece of "
            f"{held.size} bytes. Remedy: startPadding {held.size} (pulumi config set startPadding {held.size}, then "
            "pulumi up)"
        )
    came = arrivals[-1].came - arrivals[0].came
    return f"{sent} over {came:.0f} ms, none more than {max(lateness(arrivals)):.0f} ms late"
