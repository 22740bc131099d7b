"""Every price and quota has a source and a date."""

import re

from capacity.figures import FIGURES


def test_every_figure_has_a_source_and_a_date() -> None:
    for figure in FIGURES.values():
        assert figure.source
        assert re.fullmatch(r"20\d\d-\d\d", figure.date)
        assert 0 < figure.low <= figure.high


def test_a_range_is_shown_as_one() -> None:
    assert FIGURES["burn_down"].shown() == "5 to 15"
    assert FIGURES["tokens_per_minute"].shown() == "2,000,000"
