"""The formulas of capacity, at values that can be calculated by hand."""

from dataclasses import replace

import pytest

from capacity.formulas import (
    DAY,
    Workload,
    accounts,
    binding,
    burst,
    cost,
    highest_rate,
    mean_concurrency,
    peak_concurrency,
    served_share,
    share_of_mean,
    throttled_share,
    values,
)

SMALL = Workload(86_400)
"""One request per second in the mean."""


def test_littles_law() -> None:
    assert SMALL.seconds(values()) == 1 + 400 / 80
    assert mean_concurrency(SMALL, values()) == pytest.approx(6)


def test_a_large_response_takes_as_long_as_lambda_sends_it() -> None:
    large = replace(SMALL, response_bytes=6_291_456 + 100 * 2_097_152)
    assert large.seconds(values()) == 101


@pytest.mark.parametrize("peak", [1, 2, 3, 3.2])
def test_a_days_curve_has_its_mean_and_its_peak(peak: float) -> None:
    shares = [share_of_mean(second, peak) for second in range(0, DAY, 60)]
    assert sum(shares) / len(shares) == pytest.approx(1)
    assert max(shares) == pytest.approx(peak)
    assert min(shares) >= 0


def test_aws_own_example_of_a_reservation() -> None:
    """2 million tokens: 1,333 requests with maxTokens 1,000 (aws/agent-toolkit-for-aws)."""
    assert int(burst(replace(SMALL, max_tokens=1_000), values())) == 1_333


@pytest.mark.parametrize(("burn_down", "used"), [(5, 2_500), (10, 4_500), (15, 6_500)])
def test_the_quota_of_a_minute_pays_for_what_requests_have_used(burn_down: float, used: float) -> None:
    given = values({"burn_down": burn_down, "tokens_per_minute": 200_000})
    assert SMALL.settled(given) == used
    assert highest_rate(SMALL, given) * 60 == pytest.approx(200_000 / used)
    assert replace(SMALL, cached_tokens=500).settled(given) == used - 500


@pytest.mark.parametrize(
    ("changed", "name", "rate"),
    [
        ({}, "model tokens per minute", 2_000_000 / 60 / 2_500),
        ({"concurrency": 10}, "Lambda concurrency", 10 / 6),
        ({"gateway_rate": 2}, "API Gateway requests", 2),
        ({"tokens_per_day": 2_500 * 86_400}, "model tokens per day", 3),
    ],
)
def test_the_smallest_limit_throttles_first(changed: dict[str, float], name: str, rate: float) -> None:
    found, limit = binding(SMALL, values(changed))
    assert found == name
    assert limit == pytest.approx(rate)


def test_what_a_limit_throttles() -> None:
    assert throttled_share(SMALL, 3) == 0
    assert throttled_share(SMALL, 0) == 1
    assert throttled_share(replace(SMALL, peak=1), 0.75) == pytest.approx(0.25)
    half_a_day = values({"tokens_per_day": 2_500 * 43_200})
    assert served_share(SMALL, half_a_day) == pytest.approx(0.5)
    assert mean_concurrency(SMALL, half_a_day) == pytest.approx(3)


def test_the_most_under_way_is_above_the_mean_of_the_peak_and_within_the_limit() -> None:
    assert 18 < peak_concurrency(SMALL, values()) < 18 + 6 * 18**0.5
    assert peak_concurrency(SMALL, values({"concurrency": 20})) == 20
    assert peak_concurrency(Workload(1), values()) == 1


def test_accounts_divide_the_peak() -> None:
    busy = Workload(10_000_000)
    assert accounts(SMALL, values()) == 1
    assert accounts(busy, values()) == 27
    assert binding(Workload(10_000_000 / 27), values())[1] >= Workload(10_000_000 / 27).peak_rate


def test_the_price_of_a_thousand_requests_is_that_of_the_page() -> None:
    parts = cost(SMALL, values())
    assert parts["model, input"] + parts["model, output"] == pytest.approx(2.5)
    assert parts["Lambda"] == pytest.approx(1_000 * 6 * 0.0000133334 + 0.0002)
    assert f"{sum(parts.values()):.2f}" == "2.59"


def test_cached_tokens_cost_less_to_read_and_more_to_write() -> None:
    long = replace(SMALL, input_tokens=5_000)
    plain, read, written = (
        cost(each, values())["model, input"]
        for each in (long, replace(long, cached_tokens=4_000), replace(long, written_tokens=4_000))
    )
    assert [plain, read, written] == pytest.approx([5, 1 + 0.4, 1 + 5])


def test_the_ends_of_what_is_not_known() -> None:
    assert (values()["burn_down"], values(high=True)["burn_down"]) == (5, 15)
