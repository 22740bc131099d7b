"""Whether a fragment costs the same in a long answer as in a short one: ``python -m bench.growth [--rounds 8]``.

In each format, the function answers with 20 KB, 200 KB and 2 MB in fragments of 16 characters. What a request costs
before its first fragment and after its last one is measured with an answer of 100 bytes, and subtracted.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from .chain import Chain
from .programs import Program, own
from .questions import checked, question

FORMATS: Final = {
    "raw text": "text/plain",
    "SSE": "text/event-stream",
    "JSON Lines": "application/jsonl",
    "complete JSON": "application/json",
}
SIZES: Final = {"20 KB": (20_000, 10), "200 KB": (200_000, 3), "2 MB": (2_000_000, 1)}
"""Bytes of the answer, and how often it is asked for in a round."""
FIXED: Final = (100, 40)
FRAGMENT: Final = 16
"""Characters."""
LIMIT: Final = 1.15
"""A fragment of 2 MB, compared with one of 20 KB, at most."""

Costs = dict[str, float]
"""Seconds of CPU: of a request without its fragments, as ``fixed``, and of a fragment, by the size of its answer."""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.growth", description="Measure what a fragment costs in answers of 20 KB, 200 KB and 2 MB."
    )
    parser.add_argument("--rounds", type=int, default=8, help="rounds of all formats; default: %(default)s")
    rounds = parser.parse_args().rounds
    measured: dict[str, list[Costs]] = {name: [] for name in FORMATS}
    with tempfile.TemporaryDirectory() as folder:
        program = own(Path(folder))
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
            for name, accept in FORMATS.items():
                measured[name].append(_costs(replace(program, accept=accept)))
    print(_table(measured))


def _costs(program: Program) -> Costs:
    with Chain(program.root, program.environment, sys.executable) as chain:
        fixed, few = _asked(chain, program.accept, *FIXED)
        costs = {"fixed": fixed}
        for name, (size, repeats) in SIZES.items():
            cpu, fragments = _asked(chain, program.accept, size, repeats)
            costs[name] = (cpu - fixed) / (fragments - few)
        return costs


def _asked(chain: Chain, accept: str, size: int, repeats: int) -> tuple[float, int]:
    """Return the seconds of CPU of an answer of ``size`` bytes, and its fragments."""
    asked = question(size, FRAGMENT, accept)
    cpu = [checked(chain.ask(asked), asked, accept).cpu for _ in range(repeats)]
    return statistics.median(cpu), len(asked.lengths)


def _table(measured: Mapping[str, list[Costs]]) -> str:
    sizes = " | ".join(f"{size}, µs" for size in SIZES)
    lines = [
        f"| CPU of a fragment of {FRAGMENT} characters | the rest of the request, ms | {sizes} | 2 MB ÷ 20 KB | |",
        "|---" * (len(SIZES) + 4) + "|",
    ]
    for name, rounds in measured.items():
        fixed = statistics.median(costs["fixed"] for costs in rounds) * 1e3
        cells = [f"{statistics.median(costs[size] for costs in rounds) * 1e6:.1f}" for size in SIZES]
        ratios = sorted(costs["2 MB"] / costs["20 KB"] for costs in rounds)
        growth = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        reached = "reached" if statistics.median(ratios) <= LIMIT else "not reached"
        lines.append(f"| {name} | {fixed:.2f} | {' | '.join(cells)} | {growth} | {reached} |")
    return "\n".join([*lines, "", f"Expected is a ratio of at most {LIMIT}."])


if __name__ == "__main__":
    main()
