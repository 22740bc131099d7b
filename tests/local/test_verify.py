"""Chunks sent apart that came together are found from numbers alone."""

from local.verify import Arrival, Burst, bursts


def test_chunks_held_until_enough_have_gathered_are_a_burst() -> None:
    """The chunk whose coming released them counts; what follows at once does not."""
    seen = [Arrival(0, 5900, 90), Arrival(400, 5900, 100), Arrival(900, 5900, 4000), Arrival(905, 5905, 70)]
    assert list(bursts(seen)) == [Burst(0, 2, 4190, 900)]


def test_a_steady_stream_has_no_burst() -> None:
    """However close its chunks are."""
    assert not list(bursts([Arrival(at, at + 40, 50) for at in range(0, 2000, 10)]))
