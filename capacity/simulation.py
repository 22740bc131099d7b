"""A day of single requests: each one arrives, thinks, writes its tokens at its own pace, and has a sandbox of its own.

Nothing here knows a formula. A request is throttled if no sandbox is free, or if the quota has fewer tokens than it
reserves. The quota is a bucket that fills at an even rate up to the tokens of a minute; whether Bedrock's is one, AWS
does not say.
"""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass

from .formulas import DAY, MINUTES, Values, Workload, share_of_mean


@dataclass(slots=True)
class Day:
    """What was counted."""

    requests: int = 0
    throttled_by_model: int = 0
    throttled_by_lambda: int = 0
    busy_seconds: float = 0.0
    peak: int = 0

    @property
    def mean_concurrency(self) -> float:
        """Requests under way, in the mean of the day."""
        return self.busy_seconds / DAY

    @property
    def throttled_share(self) -> float:
        """The share of the requests that were refused."""
        return (self.throttled_by_model + self.throttled_by_lambda) / max(self.requests, 1)


class Quota:
    """The tokens that requests may still reserve, of this minute and of this day."""

    def __init__(self, per_minute: float, per_day: float) -> None:
        """Begin full."""
        self._limit = per_minute
        self._level = per_minute
        self._left_today = per_day
        self._at = 0.0

    def take(self, now: float, tokens: float) -> bool:
        """Reserve tokens; return whether there were enough."""
        self._fill(now)
        if tokens > min(self._level, self._left_today):
            return False
        self._level -= tokens
        self._left_today -= tokens
        return True

    def give_back(self, now: float, tokens: float) -> None:
        """Settle: a request has used fewer tokens than it has reserved, or more, if ``tokens`` is negative."""
        self._fill(now)
        self._level += tokens
        self._left_today += tokens

    def _fill(self, now: float) -> None:
        self._level = min(self._limit, self._level + (now - self._at) * self._limit / 60)
        self._at = now


def simulate(workload: Workload, given: Values, seed: int = 1) -> Day:
    """Return what one day looks like; the same ``seed`` gives the same day."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    day = Day()
    quota = Quota(given["tokens_per_minute"], given["tokens_per_day"])
    under_way: list[tuple[float, float]] = []  # when each request ends, and how many tokens it gives back then
    for now in _arrivals(chance, workload):
        while under_way and under_way[0][0] <= now:
            quota.give_back(*heapq.heappop(under_way))
        day.requests += 1
        if len(under_way) >= given["concurrency"]:
            day.throttled_by_lambda += 1
        elif not quota.take(now, workload.input_tokens + workload.max_tokens):
            day.throttled_by_model += 1
        else:
            output = chance.uniform(0.5, 1.5) * workload.output_tokens
            seconds = chance.expovariate(1 / workload.thinking) + output / workload.pace
            unused = workload.cached_tokens + workload.max_tokens - output * given["burn_down"]
            heapq.heappush(under_way, (now + seconds, unused))
            day.busy_seconds += seconds
            day.peak = max(day.peak, len(under_way))
    return day


def _arrivals(chance: random.Random, workload: Workload) -> Iterator[float]:
    """Yield when requests arrive, each independently of the others; the rate changes from minute to minute."""
    for minute in range(MINUTES):
        rate = workload.requests_per_day / DAY * share_of_mean(60 * minute + 30, workload.peak)
        at = 60 * minute + chance.expovariate(rate)
        while at < 60 * (minute + 1):
            yield at
            at += chance.expovariate(rate)
