from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.arrivals import Arrival, Burst, Finding, bursts, judge, lateness, timeline

LATENCY = 40.0
CLOCKS_APART = 1_000_000.0


def carried(sent: list[tuple[float, int]], hold_back: int = 0, padding: int = 0) -> list[Arrival]:
    """What comes through a gateway that lets go once it has so many bytes, or the stream is over."""
    sizes = [size for _, size in sent]
    sizes[0] += padding
    full = (when for (when, _), there in zip(sent, accumulate(sizes), strict=True) if there >= hold_back)
    release = sent[0][0] if padding >= hold_back else next(full, sent[-1][0])
    return [
        Arrival(when, max(when, release) + LATENCY + CLOCKS_APART, size)
        for (when, _), size in zip(sent, sizes, strict=True)
    ]


def steady(count: int, every: float = 100.0, size: int = 100) -> list[tuple[float, int]]:
    return [(number * every, size) for number in range(count)]


def test_what_comes_as_it_was_sent_is_no_burst() -> None:
    assert bursts(carried(steady(10))) == []
    assert judge(carried(steady(10))) is Finding.IN_TIME


def test_a_start_that_was_held_back_is_a_burst_of_so_many_bytes() -> None:
    held = carried(steady(10), hold_back=450)

    assert bursts(held) == [Burst(first=0, count=5, size=500, held=400.0)]
    assert judge(held) is Finding.HELD_BACK


def test_what_was_never_let_go_came_in_one_piece() -> None:
    assert judge(carried(steady(10), hold_back=5000)) is Finding.IN_ONE_PIECE


def in_blocks(sent: list[tuple[float, int]], block: int) -> list[Arrival]:
    """What comes through a proxy that passes on whole blocks, and the rest when the stream is over."""
    ends = [number for number in range(1, len(sent) + 1) if number % block == 0 or number == len(sent)]
    release = [sent[next(end for end in ends if end > number) - 1][0] for number in range(len(sent))]
    return [Arrival(when, at + LATENCY + CLOCKS_APART, size) for (when, size), at in zip(sent, release, strict=True)]


@pytest.mark.parametrize("block", [4, 8, 11])
def test_what_comes_in_blocks_all_along_is_no_matter_of_the_start(block: int) -> None:
    """Padding would not help, so it is not named."""
    assert judge(in_blocks(steady(20), block)) is Finding.IN_BLOCKS


def test_a_start_in_time_does_not_hide_that_the_rest_was_gathered() -> None:
    first, *rest = carried(steady(20))
    gathered = [Arrival(it.sent, rest[-1].came, it.size) for it in rest]

    assert judge([first, *gathered]) is Finding.IN_BLOCKS


def test_how_late_each_came_is_told_by_the_promptest() -> None:
    held = carried(steady(7), hold_back=450)

    assert lateness(held) == [400, 300, 200, 100, 0, 0, 0]


def test_what_was_sent_at_once_tells_nothing() -> None:
    assert judge(carried(steady(10, every=1))) is Finding.TOO_QUICK
    assert judge([]) is Finding.TOO_QUICK


def test_a_burst_on_the_way_is_found_and_is_no_held_back_start() -> None:
    arrivals = carried(steady(10))
    stalled = [Arrival(it.sent, max(it.came, arrivals[7].came), it.size) for it in arrivals[3:]]

    assert bursts([*arrivals[:3], *stalled]) == [Burst(first=3, count=5, size=500, held=400.0)]
    assert judge([*arrivals[:3], *stalled]) is Finding.IN_TIME


def test_a_quick_model_is_no_burst() -> None:
    """Five milliseconds a token: neighbours come together, as they were sent."""
    assert judge(carried(steady(200, every=5))) is Finding.IN_TIME


def test_a_burst_does_not_swallow_the_quick_events_after_it() -> None:
    assert bursts(carried(steady(200, every=10), hold_back=5000))[0].size <= 5000 + 300


def test_a_burst_in_several_reads_is_one() -> None:
    held = carried(steady(10), hold_back=450)
    read = [Arrival(it.sent, it.came + number, it.size) for number, it in enumerate(held[:5])]

    assert bursts([*read, *held[5:]])[0].count == 5


EVENTS = st.lists(st.tuples(st.floats(1, 400), st.integers(60, 900)), min_size=3, max_size=60)


@given(EVENTS, st.integers(1, 20_000))
def test_the_named_bytes_of_padding_let_the_same_stream_through(events: list[tuple[float, int]], hold: int) -> None:
    """For any pace, any sizes and any number of bytes that are held back, as long as some come in time."""
    times = accumulate(gap for gap, _ in events)
    sent = [(when, size) for when, (_, size) in zip(times, events, strict=True)]
    arrivals = carried(sent, hold)

    if judge(arrivals) is Finding.HELD_BACK:
        named = bursts(arrivals)[0].size
        assert named >= hold
        assert bursts(carried(sent, hold, padding=named)) == []


@given(EVENTS)
def test_what_comes_in_time_is_never_blamed(events: list[tuple[float, int]]) -> None:
    times = accumulate(gap for gap, _ in events)
    sent = [(when, size) for when, (_, size) in zip(times, events, strict=True)]

    assert bursts(carried(sent)) == []


def test_a_timeline_shows_what_came_at_once_in_one_row() -> None:
    held = [Arrival(it.sent, it.came - CLOCKS_APART, it.size) for it in carried(steady(7), hold_back=450)]

    assert [row.split() for row in timeline(held)] == [
        ["came", "ms", "events", "sent", "ms", "late", "ms", "bytes"],
        ["440", "5", "0", "to", "400", "400", "500"],
        ["540", "1", "500", "0", "100"],
        ["640", "1", "600", "0", "100"],
    ]


@pytest.mark.parametrize("count", [40, 41, 500])
def test_a_long_timeline_is_shortened(count: int) -> None:
    rows = timeline(carried(steady(count)))

    assert len(rows) == 41
    assert ("more" in rows[-5]) is (count > 40)
