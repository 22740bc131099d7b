"""A simulated day: the rows of the page, and what a single request takes from a quota."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from capacity.formulas import DAY, Workload, mean_concurrency, peak_concurrency, served_share, values
from capacity.simulation import Quota, simulate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "capacity.md"
CHANGES = {
    "150 million tokens per day": {"tokens_per_day": 150_000_000.0},
    "burn-down 15": {"burn_down": 15.0},
    "raised": {"tokens_per_minute": 1e9, "tokens_per_day": 1e13},
    "100 sandboxes": {"concurrency": 100.0},
    "a million sandboxes": {"concurrency": 1e6},
}
AT_ONCE = 100_000
"""Requests that are simulated in a second or two."""


def rows() -> Iterator[tuple[Workload, dict[str, float], list[str]]]:
    table = PAGE.read_text().partition("| requests per day | under way, mean | simulated |")[2].partition("\n\n")[0]
    for line in table.splitlines()[2:]:
        what, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        number, _, changes = what.partition(", ")
        changed = {name: value for each in filter(None, changes.split(", ")) for name, value in CHANGES[each].items()}
        yield Workload(float(number.replace(",", ""))), changed, cells


ROWS = list(rows())


@pytest.mark.parametrize(("workload", "changed", "cells"), ROWS)
def test_the_page_has_what_the_formulas_say(workload: Workload, changed: dict[str, float], cells: list[str]) -> None:
    given = values(changed)
    mean, _, most, _, throttled, _ = cells
    assert mean == f"{mean_concurrency(workload, given):.4g}"
    assert most == str(peak_concurrency(workload, given))
    assert throttled == f"{100 * (1 - served_share(workload, given)):.1f} %"


@pytest.mark.parametrize(("workload", "changed", "cells"), [row for row in ROWS if row[0].requests_per_day <= AT_ONCE])
def test_the_page_has_what_a_day_counts(workload: Workload, changed: dict[str, float], cells: list[str]) -> None:
    day = simulate(workload, values(changed))
    _, mean, _, most, _, throttled = cells
    assert mean == f"{day.mean_concurrency:.4g}"
    assert most == str(day.peak)
    assert throttled == f"{100 * day.throttled_share:.1f} %"


def test_where_the_page_says_so_they_agree_within_five_per_cent() -> None:
    for workload, changed, cells in ROWS:
        if workload.requests_per_day > 1_000 and "burn_down" not in changed:
            numbers = [float(re.sub("[ %]", "", cell)) for cell in cells]
            for formula, simulated in zip(numbers[::2], numbers[1::2], strict=True):
                assert simulated == pytest.approx(formula, rel=0.055)


def test_a_day_is_the_same_each_time_and_another_with_another_seed() -> None:
    workload = Workload(1_000)
    assert simulate(workload, values()) == simulate(workload, values())
    assert simulate(workload, values()) != simulate(workload, values(), seed=2)


def test_without_sandboxes_or_tokens_every_request_is_throttled() -> None:
    workload = Workload(500)
    without_sandboxes = simulate(workload, values({"concurrency": 0}))
    without_tokens = simulate(workload, values({"tokens_per_minute": 2_499}))
    assert without_sandboxes.throttled_by_lambda == without_sandboxes.requests > 0
    assert without_tokens.throttled_by_model == without_tokens.requests > 0


def test_a_quota_fills_at_an_even_rate_up_to_the_tokens_of_a_minute() -> None:
    quota = Quota(600, 10_000)
    assert quota.take(0, 600)
    assert not quota.take(1, 11)
    assert quota.take(1, 10)
    assert quota.take(DAY, 600)
    assert not quota.take(DAY, 1)


def test_a_request_gives_back_what_it_has_not_used_and_can_leave_a_debt() -> None:
    quota = Quota(600, 10_000)
    assert quota.take(0, 500)
    quota.give_back(0, 400)
    assert quota.take(0, 500)
    quota.give_back(0, -100)
    assert not quota.take(9, 1)
    assert quota.take(11, 10)


def test_a_day_has_a_quota_of_its_own() -> None:
    quota = Quota(600, 1_000)
    assert quota.take(0, 600)
    assert not quota.take(600, 500)
    quota.give_back(600, 100)
    assert quota.take(600, 500)
