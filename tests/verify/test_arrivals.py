from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.arrivals import Arrival, Burst, Pace, bursts, lateness, pace_of, timeline

LATENCY = 40.0
CLOCKS_APART = 1_000_000.0


def carried(sent: list[tuple[float, int]], hold_back: int = 0, padding: int = 0) -> list[Arrival]:
    """What arrives through a gateway that releases its buffer at ``hold_back`` bytes, or at the end of the stream."""
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


def test_events_that_arrive_as_they_were_sent_are_not_a_burst() -> None:
    assert bursts(carried(steady(10))) == []
    assert pace_of(carried(steady(10))) is Pace.UNDELAYED


def test_a_buffered_start_is_a_burst_with_the_bytes_of_the_buffer() -> None:
    held = carried(steady(10), hold_back=450)

    assert bursts(held) == [Burst(first=0, count=5, size=500, delay=400.0)]
    assert pace_of(held) is Pace.START_BUFFERED


def test_a_stream_that_is_buffered_to_its_end_arrives_all_at_once() -> None:
    assert pace_of(carried(steady(10), hold_back=5000)) is Pace.ALL_AT_ONCE


def in_blocks(sent: list[tuple[float, int]], block: int) -> list[Arrival]:
    """What arrives through a proxy that passes on whole blocks, and the rest at the end of the stream."""
    ends = [number for number in range(1, len(sent) + 1) if number % block == 0 or number == len(sent)]
    release = [sent[next(end for end in ends if end > number) - 1][0] for number in range(len(sent))]
    return [Arrival(when, at + LATENCY + CLOCKS_APART, size) for (when, size), at in zip(sent, release, strict=True)]


@pytest.mark.parametrize("block", [4, 8, 11])
def test_blocks_to_the_end_are_not_a_buffered_start(block: int) -> None:
    """Padding would not help, so it is not recommended."""
    assert pace_of(in_blocks(steady(20), block)) is Pace.IN_BLOCKS


def test_an_undelayed_start_does_not_hide_that_the_rest_was_buffered() -> None:
    first, *rest = carried(steady(20))
    gathered = [Arrival(arrival.sent, rest[-1].received, arrival.size) for arrival in rest]

    assert pace_of([first, *gathered]) is Pace.IN_BLOCKS


def test_lateness_is_measured_against_the_fastest_event() -> None:
    held = carried(steady(7), hold_back=450)

    assert lateness(held) == [400, 300, 200, 100, 0, 0, 0]


def test_events_that_were_sent_at_once_allow_no_conclusion() -> None:
    assert pace_of(carried(steady(10, every=1))) is Pace.UNKNOWN
    assert pace_of([]) is Pace.UNKNOWN


def test_a_burst_later_in_the_stream_is_not_a_buffered_start() -> None:
    arrivals = carried(steady(10))
    stalled = [Arrival(event.sent, max(event.received, arrivals[7].received), event.size) for event in arrivals[3:]]

    assert bursts([*arrivals[:3], *stalled]) == [Burst(first=3, count=5, size=500, delay=400.0)]
    assert pace_of([*arrivals[:3], *stalled]) is Pace.UNDELAYED


def test_a_fast_model_is_not_a_burst() -> None:
    """Five milliseconds per token: neighbours arrive together, as they were sent."""
    assert pace_of(carried(steady(200, every=5))) is Pace.UNDELAYED


def test_a_burst_does_not_swallow_the_quick_events_after_it() -> None:
    assert bursts(carried(steady(200, every=10), hold_back=5000))[0].size <= 5000 + 300


def test_a_burst_in_several_reads_is_one() -> None:
    held = carried(steady(10), hold_back=450)
    read = [Arrival(event.sent, event.received + number, event.size) for number, event in enumerate(held[:5])]

    assert bursts([*read, *held[5:]])[0].count == 5


EVENTS = st.lists(st.tuples(st.floats(1, 400), st.integers(60, 900)), min_size=3, max_size=60)


@given(EVENTS, st.integers(1, 20_000))
def test_the_recommended_padding_prevents_the_burst(events: list[tuple[float, int]], hold: int) -> None:
    """For any pace, any sizes and any buffer, as long as a part of the stream arrives undelayed."""
    times = accumulate(gap for gap, _ in events)
    sent = [(when, size) for when, (_, size) in zip(times, events, strict=True)]
    arrivals = carried(sent, hold)

    if pace_of(arrivals) is Pace.START_BUFFERED:
        padding = bursts(arrivals)[0].size
        assert padding >= hold
        assert bursts(carried(sent, hold, padding=padding)) == []


@given(EVENTS)
def test_a_stream_without_a_buffer_has_no_bursts(events: list[tuple[float, int]]) -> None:
    times = accumulate(gap for gap, _ in events)
    sent = [(when, size) for when, (_, size) in zip(times, events, strict=True)]

    assert bursts(carried(sent)) == []


def test_a_timeline_shows_in_one_row_what_arrived_at_once() -> None:
    held = [
        Arrival(event.sent, event.received - CLOCKS_APART, event.size) for event in carried(steady(7), hold_back=450)
    ]

    assert [row.split() for row in timeline(held)] == [
        ["received", "ms", "events", "sent", "ms", "late", "ms", "bytes"],
        ["440", "5", "0", "to", "400", "400", "500"],
        ["540", "1", "500", "0", "100"],
        ["640", "1", "600", "0", "100"],
    ]


@pytest.mark.parametrize("count", [40, 41, 500])
def test_a_long_timeline_is_shortened(count: int) -> None:
    rows = timeline(carried(steady(count)))

    assert len(rows) == 41
    assert ("more" in rows[-5]) is (count > 40)
