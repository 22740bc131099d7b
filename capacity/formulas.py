"""What a workload needs and costs, on paper: Little's law, the quotas that throttle, and the price of a request."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from function.claude import default_max_tokens
from function.contract import DEFAULT_MODEL, Thinking

from .figures import FIGURES

DAY: Final = 86_400
"""Seconds."""
MINUTES: Final = 1_440
BUSY_SECONDS: Final = 4 * 3_600
"""How long the rate is about that of the peak."""
DAY_QUOTA: Final = "model tokens per day"
Values = Mapping[str, float]
"""A value for each name of ``FIGURES``."""


def _each(what: str, default: float) -> float:
    """Return a field of ``Workload``; ``what`` says what it is, and its unit."""
    number: float = field(default=default, metadata={"what": what})
    return number


@dataclass(frozen=True, slots=True)
class Workload:
    """The requests of a day, by their means."""

    requests_per_day: float = _each("requests per day", 100_000)
    input_tokens: float = _each("tokens of the prompt, cached or not", 500)
    cached_tokens: float = _each("input tokens that are read from the cache", 0)
    written_tokens: float = _each("input tokens that are written to the cache", 0)
    output_tokens: float = _each("tokens of the answer, thinking included", 400)
    max_tokens: float = _each("maxTokens of the endpoint", default_max_tokens(DEFAULT_MODEL, Thinking.DEFAULT))
    thinking: float = _each("seconds until the model's first token", 1)
    pace: float = _each("tokens per second from then on", 80)
    peak: float = _each("requests of the busiest second, in means of the day, from 1 to 3.2", 3)
    memory: float = _each("GB of the function", 1)
    response_bytes: float = _each("bytes of a response", 6_000)
    log_bytes: float = _each("bytes of a request's log lines", 3_000)

    @property
    def mean_rate(self) -> float:
        """Requests per second."""
        return self.requests_per_day / DAY

    @property
    def peak_rate(self) -> float:
        """Requests per second in the busiest second."""
        return self.mean_rate * self.peak

    @property
    def reserved(self) -> float:
        """Tokens that the quota loses when a request begins."""
        return self.input_tokens + self.max_tokens

    def settled(self, values: Values) -> float:
        """Tokens that the quota has lost when a request has ended."""
        return self.input_tokens - self.cached_tokens + self.output_tokens * values["burn_down"]

    def seconds(self, values: Values) -> float:
        """How long a request takes: the model, or a response that is larger than what Lambda sends at full speed."""
        sending = max(0.0, self.response_bytes - values["full_speed"]) / values["bandwidth"]
        return self.thinking + max(self.output_tokens / self.pace, sending)


def values(changed: Values | None = None, *, high: bool = False) -> Values:
    """Return the figures at one end of their ranges, with those that are ``changed``."""
    return {name: figure.high if high else figure.low for name, figure in FIGURES.items()} | dict(changed or {})


def share_of_mean(second: float, peak: float) -> float:
    """Return the rate at a second of the day, in means of the day: a quiet night, and ``peak`` at noon."""
    busy = (peak - 1) / 2.2
    angle = 2 * math.pi * (second / DAY - 0.5)
    return (1 - busy) + busy * (1 + math.cos(angle)) ** 3 / 2.5


def limits(workload: Workload, given: Values) -> Mapping[str, float]:
    """Return the requests per second at the peak with which each quota is just used up."""
    of_the_day = given["tokens_per_day"] / workload.settled(given)
    return {
        "model tokens per minute": given["tokens_per_minute"] / 60 / workload.settled(given),
        "Lambda concurrency": given["concurrency"] / workload.seconds(given),
        "API Gateway requests": given["gateway_rate"],
        DAY_QUOTA: workload.peak * of_the_day / DAY,
    }


def binding(workload: Workload, given: Values) -> tuple[str, float]:
    """Return the quota that throttles first, and its requests per second at the peak."""
    found = limits(workload, given)
    name = min(found, key=lambda each: found[each])
    return name, found[name]


def highest_rate(workload: Workload, given: Values) -> float:
    """Return how many requests per second can begin while the day's quota lasts."""
    return min(rate for name, rate in limits(workload, given).items() if name != DAY_QUOTA)


def throttled_share(workload: Workload, rate: float) -> float:
    """Return the share of a day's requests that come above ``rate``, as if they flowed."""
    shares = [share_of_mean(60 * minute + 30, workload.peak) for minute in range(MINUTES)]
    above = sum(max(0.0, share - rate / workload.mean_rate) for share in shares)
    return above / sum(shares)


def burst(workload: Workload, given: Values) -> float:
    """Return how many requests can begin at once, after a quiet minute."""
    return given["tokens_per_minute"] / workload.reserved


def served_share(workload: Workload, given: Values) -> float:
    """Return the share of a day's requests that no quota throttles."""
    within_the_day = given["tokens_per_day"] / workload.settled(given) / workload.requests_per_day
    return min(1 - throttled_share(workload, highest_rate(workload, given)), within_the_day)


def mean_concurrency(workload: Workload, given: Values) -> float:
    """Return the requests under way, by Little's law."""
    return workload.mean_rate * served_share(workload, given) * workload.seconds(given)


def peak_concurrency(workload: Workload, given: Values) -> int:
    """Return the most requests under way on a day.

    Requests that arrive by chance are a Poisson number. One that finds ``number`` others is the next more, and so the
    most is the number that the requests of the busiest hours find every other day at most.
    """
    rate = min(workload.peak_rate, highest_rate(workload, given))
    mean = rate * workload.seconds(given)
    number = max(1, math.floor(mean))
    while rate * BUSY_SECONDS * _poisson(number, mean) > 0.5:  # noqa: PLR2004 - every other day
        number += 1
    return min(number, math.floor(given["concurrency"]))


def _poisson(number: int, mean: float) -> float:
    return math.exp(number * math.log(mean) - mean - math.lgamma(number + 1))


PARTS: Final[Mapping[str, Callable[[Workload, Values], float]]] = {
    "model, input": lambda load, given: (
        (
            (load.input_tokens - load.cached_tokens - load.written_tokens) * given["input_price"]
            + load.cached_tokens * given["cache_read_price"]
            + load.written_tokens * given["cache_write_price"]
        )
        / 1e6
    ),
    "model, output": lambda load, given: load.output_tokens * given["output_price"] / 1e6,
    "Lambda": lambda load, given: (
        load.memory * load.seconds(given) * given["lambda_price"] + given["invocation_price"] / 1e6
    ),
    "API Gateway": lambda _, given: given["gateway_price"] / 1e6,
    "trace and logs": lambda load, given: given["trace_price"] / 1e6 + load.log_bytes * given["log_price"] / 1e9,
    "transfer": lambda load, given: load.response_bytes * given["transfer_price"] / 1e9,
}
"""What one request costs, in USD."""


def cost(workload: Workload, given: Values) -> Mapping[str, float]:
    """Return what a thousand requests cost, in USD, by part."""
    return {name: 1_000 * part(workload, given) for name, part in PARTS.items()}


def accounts(workload: Workload, given: Values) -> int:
    """Return how many accounts or regions the busiest second needs, each with these quotas."""
    return max(1, math.ceil(workload.peak_rate / binding(workload, given)[1]))
