"""Print what a number of requests needs and costs: ``python -m capacity --requests-per-day 1000000``."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from math import inf, isfinite, nan
from typing import Final

from .figures import FIGURES
from .formulas import (
    Values,
    Workload,
    accounts,
    binding,
    burst,
    cost,
    limits,
    mean_concurrency,
    peak_concurrency,
    served_share,
    values,
)
from .simulation import simulate

DIVISORS: Final = frozenset(
    {
        "requests_per_day",
        "output_tokens",
        "max_tokens",
        "pace",
        "burn_down",
        "tokens_per_minute",
        "tokens_per_day",
        "concurrency",
        "gateway_rate",
        "bandwidth",
    }
)
"""What the formulas divide by. Everything else can be 0."""
RANGES: Final = {"peak": (1.0, 3.2)}
"""The least and the greatest value of a number that the formulas know in a range only."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; return the exit status."""
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    if options["cached_tokens"] + options["written_tokens"] > options["input_tokens"]:
        parser.error("--input-tokens must be at least --cached-tokens and --written-tokens together")
    simulated = options.pop("simulate")
    changed = {name: options.pop(name) for name in FIGURES}
    changed = {name: value for name, value in changed.items() if value is not None}
    workload = Workload(**options)
    ends = [values(changed), values(changed, high=True)]
    lines = list(report(workload, ends))
    if simulated:
        lines += simulation(workload, ends)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def report(workload: Workload, ends: Sequence[Values]) -> Iterator[str]:
    """Yield what the formulas say, at both ends of what is not known."""
    low, high = ends
    yield _line("figure", "with the low figures", "with the high figures")
    for name, figure in FIGURES.items():
        if low[name] != high[name]:
            yield _line(f"{figure.what} ({figure.unit})", f"{low[name]:,.6g}", f"{high[name]:,.6g}")
    yield _row("requests per second, mean", [workload.mean_rate] * 2)
    yield _row("requests per second, at the peak", [workload.peak_rate] * 2)
    yield _row("seconds of a request", [workload.seconds(end) for end in ends])
    yield _row("requests under way, mean", [mean_concurrency(workload, end) for end in ends])
    yield _row("requests under way, at most", [peak_concurrency(workload, end) for end in ends])
    yield _row("requests that can begin at once", [burst(workload, end) for end in ends])
    for name in limits(workload, low):
        yield _row(f"requests per second: {name}", [limits(workload, end)[name] for end in ends])
    yield _line("throttles first", *(binding(workload, end)[0] for end in ends))
    yield _row("share throttled, %", [100 * (1 - served_share(workload, end)) for end in ends])
    yield _row("accounts or regions", [accounts(workload, end) for end in ends])
    for name in cost(workload, low):
        yield _row(f"USD per 1,000 requests: {name}", [cost(workload, end)[name] for end in ends])
    yield _row("USD per 1,000 requests", [sum(cost(workload, end).values()) for end in ends])
    yield _row("USD per day, of what is served", [_daily_cost(workload, end) for end in ends])


def _daily_cost(workload: Workload, given: Values) -> float:
    return sum(cost(workload, given).values()) * workload.requests_per_day / 1_000 * served_share(workload, given)


def simulation(workload: Workload, ends: Sequence[Values]) -> Iterator[str]:
    """Yield what a simulated day counts, at both ends."""
    days = [simulate(workload, end) for end in ends]
    yield _row("simulated: requests", [day.requests for day in days])
    yield _row("simulated: under way, mean", [day.mean_concurrency for day in days])
    yield _row("simulated: under way, at most", [day.peak for day in days])
    yield _row("simulated: share throttled, %", [100 * day.throttled_share for day in days])


def _row(name: str, numbers: Sequence[float]) -> str:
    return _line(name, *(f"{number:,.4g}" if number < 1_000 else f"{number:,.0f}" for number in numbers))  # noqa: PLR2004 - short


def _line(name: str, low: str, high: str) -> str:
    return f"{name:<56}{low:>26}{high:>26}"


def _parser() -> argparse.ArgumentParser:
    description = "Print what a number of requests needs and costs, with the figures at both ends of what is not known."
    parser = argparse.ArgumentParser(prog="python -m capacity", description=description)
    parser.add_argument(
        "--simulate", action="store_true", help="simulate a day, too: a minute for ten million requests"
    )
    for field in fields(Workload):
        what = f"{field.metadata['what']}: {field.default:,.10g}"
        parser.add_argument(_option(field.name), type=_number_for(field.name), default=field.default, help=what)
    for name, figure in FIGURES.items():
        shown = f"{figure.what}, {figure.unit}: {figure.shown()} ({figure.source}, {figure.date})".replace("%", "%%")
        parser.add_argument(_option(name), type=_number_for(name), help=shown)
    return parser


def _number_for(name: str) -> Callable[[str], float]:
    """Return what reads the number ``name``, for argparse."""
    least, most = RANGES.get(name, (0.0, inf))
    if name in RANGES:
        expected = f"from {least:g} to {most:g}"
    else:
        expected = "above 0" if name in DIVISORS else "that is at least 0"

    def read(text: str) -> float:
        number = _float(text)
        if not isfinite(number) or not least <= number <= most or (number == 0 and name in DIVISORS):
            raise argparse.ArgumentTypeError(f"must be a number {expected}; got {text!r}")
        return number

    return read


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return nan


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


if __name__ == "__main__":
    sys.exit(main())
