"""What a request costs from outside: the function's process against the floor and other ways, all in one run.

``python -m bench.endpoint [--rounds 8] [--quick] [--plot FILE] [--peer NAME=FOLDER]`` prints ratios to the floor, the
median of the rounds with the least and the greatest, and then the targets. A round runs every program, one after the
other, so that what else the machine does meets all of them. A peer is a folder with a ``bootstrap`` that speaks the
Runtime API.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from . import plot, process
from .chain import Chain, Question
from .programs import NODE_NATIVE, NODE_TOOL, Program, installed, node_peers, own, peer, web_peer
from .questions import checked, question

_FLOOR: Final = "floor"
_BUNDLED: Final = "floor, our bundle"
_DECODED: Final = "floor, our decoder"
_NAIVE: Final = "naive"
_WEB: Final = "Lambda Web Adapter, FastAPI"
_OURS: Final = "this project"
_AS_INSTALLED: Final = {_FLOOR: "bench.peers.floor", _NAIVE: "bench.peers.naive"}
"""Peers that import what pip installs: without this project a team has no bundler."""
_AS_BUNDLED: Final = {_BUNDLED: "bench.peers.floor", _DECODED: "bench.peers.decoded"}
"""Peers that import the packages of the bundle."""
_FORMATS: Final = {"raw text": "text/plain", "SSE": "text/event-stream", "JSON Lines": "application/jsonl"}
_RAW: Final = f"{_OURS}, raw text"
_QUICK: Final = 20_000
"""Bytes of the longest answer with ``--quick``."""
_STARTS: Final = 3
"""Starts of each program in a round. The last one answers the questions."""
_WARM: Final = 3
"""Requests before the first one that counts."""
_FAR: Final = 1.2
"""How far above a target a round is, in times of the target, if it counts against the median."""
_FAR_SHARE: Final = 0.25
"""Of the rounds, which are that far above: a target is missed with this share."""
_NOISE: Final = 0.1
"""Cores that other processes can use while the figures count."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Questions of one size and pace."""

    name: str
    size: int
    """Bytes of the answer."""
    cut: int
    """Characters of a fragment."""
    repeats: int
    interval: float = 0.0
    """Seconds between two fragments."""

    def question(self, program: Program) -> Question:
        """Return what the program is asked."""
        return question(self.size, self.cut, program.accept, self.interval, as_tool=program.forces_tool)


@dataclass(frozen=True, slots=True)
class Target:
    """How much of a figure of one program another one can have."""

    program: str
    figure: str
    base: str
    bound: float

    @property
    def what(self) -> str:
        """The words for the table."""
        return f"{self.program} ÷ {self.base}: {self.figure}"

    def is_reached(self, ratios: Sequence[float]) -> bool:
        """Judge the ratios of all rounds: by their median, and by how many are far above."""
        far = sum(ratio > _FAR * self.bound for ratio in ratios)
        return statistics.median(ratios) <= self.bound and far < _FAR_SHARE * len(ratios)


_WORKLOADS: Final = (
    Workload("2 KB", 2_000, 4, 20),
    Workload("20 KB", 20_000, 16, 5),
    Workload("200 KB", 200_000, 16, 2),
    Workload("200 bytes, 20 ms a fragment", 200, 4, 3, interval=0.02),
    Workload("1 KB, 20 ms a fragment", 1_000, 4, 1, interval=0.02),
)
_SSE, _LINES = f"{_OURS}, SSE", f"{_OURS}, JSON Lines"
_PACE: Final = "CPU, 1 KB, 20 ms a fragment"
_SHOWN: Final = ("CPU, 2 KB", "CPU, 200 KB", _PACE, "cold start", "peak memory, 2 KB")
"""What the plot shows."""
TARGETS: Final = (
    Target(_RAW, "CPU, 2 KB", _FLOOR, 1.0),
    Target(_RAW, "CPU, 200 KB", _FLOOR, 0.9),
    Target(_RAW, _PACE, _FLOOR, 1.1),
    Target(_RAW, _PACE, _NAIVE, 1.0),
    Target(_RAW, "first byte, 2 KB", _FLOOR, 1.3),
    Target(_RAW, "first byte, 200 bytes, 20 ms a fragment", _FLOOR, 1.6),
    Target(_RAW, "latency per fragment, median", _FLOOR, 1.2),
    Target(_RAW, "cold start", _FLOOR, 1.25),
    Target(_RAW, "cold start", _NAIVE, 0.9),
    Target(_RAW, "peak memory, 2 KB", _FLOOR, 1.18),
    *(Target(program, "CPU, 200 KB", _FLOOR, 1.4) for program in (_SSE, _LINES)),
    *(Target(program, _PACE, _FLOOR, 1.25) for program in (_SSE, _LINES)),
    *(Target(_RAW, figure, _DECODED, 1.5) for figure in ("CPU, 2 KB", _PACE)),
    Target(_RAW, "cold start", _WEB, 0.6),
    Target(_RAW, "peak memory, 2 KB", _WEB, 0.85),
    *(Target(_RAW, figure, _WEB, 1.0) for figure in ("CPU, 2 KB", _PACE)),
    *(
        Target(_RAW, f"{what}, {workload.name}", node, 1.0)
        for node in (NODE_TOOL, NODE_NATIVE)
        for what in ("first byte", "CPU")
        for workload in _WORKLOADS
    ),
)


def main() -> None:
    """Measure, and print the figures and the targets."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.endpoint", description="Measure what a request costs from outside."
    )
    parser.add_argument("--rounds", type=int, default=8, help="rounds of all programs; default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="leave out the answers of 200 KB")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the picture of the ratios there")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=FOLDER", help="another program to measure")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        programs = _programs(Path(folder), dict(peer.split("=", 1) for peer in given.peer))
        workloads = [each for each in _WORKLOADS if not given.quick or each.size <= _QUICK]
        figures, others = _measured(programs, workloads, given.rounds)
    print(_table(programs, figures))
    print(f"\n{_targets(figures)}\n")
    count = "so the figures count" if others < _NOISE else f"so the figures do not count; expected are under {_NOISE}"
    print(f"Other processes used {others:.2f} cores, {count}.")
    if given.plot:
        panels = {name: _panel(figures, name) for name in _SHOWN if (_FLOOR, name) in figures}
        given.plot.write_text(plot.drawn(panels, "Ratio to the floor: least, median, greatest"), encoding="utf-8")


def _programs(folder: Path, peers: Mapping[str, str]) -> dict[str, Program]:
    ours, packages = own(folder / "bundle"), installed(folder / "packages")
    programs = {name: peer(folder / name, module, packages) for name, module in _AS_INSTALLED.items()}
    programs |= {name: peer(folder / name, module, ours.root) for name, module in _AS_BUNDLED.items()}
    if web := web_peer(folder / "web"):
        programs[_WEB] = web
    programs |= node_peers(folder / "node")
    programs |= {f"{_OURS}, {name}": replace(ours, accept=accept) for name, accept in _FORMATS.items()}
    return programs | {name: Program(Path(root).resolve()) for name, root in peers.items()}


Figures = dict[tuple[str, str], list[float]]
"""By program and figure: one value per round."""


def _measured(programs: Mapping[str, Program], workloads: Sequence[Workload], rounds: int) -> tuple[Figures, float]:
    """Return the figures, and how many cores other processes used meanwhile."""
    figures: Figures = {}
    began, before, programs_cpu = time.monotonic(), process.machine_cpu() - time.process_time(), 0.0
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        for name, program in programs.items():
            starts = []
            for _ in range(_STARTS - 1):
                with Chain(program.root, program.environment, sys.executable) as chain:
                    starts.append(chain.start_cpu)
            with Chain(program.root, program.environment, sys.executable) as chain:
                starts.append(chain.start_cpu)
                found = {"cold start": statistics.median(starts), **_figures_of(chain, program, workloads)}
                programs_cpu += sum(starts[:-1]) + chain.cpu()
            for figure, value in found.items():
                figures.setdefault((name, figure), []).append(value)
    used = process.machine_cpu() - time.process_time() - before - programs_cpu
    return figures, max(0.0, used / (time.monotonic() - began))


def _figures_of(chain: Chain, program: Program, workloads: Sequence[Workload]) -> dict[str, float]:
    found: dict[str, float] = {}
    for workload in workloads:
        if workload.size > program.longest:
            continue
        asked = workload.question(program)
        for _ in range(_WARM if workload is workloads[0] else 0):
            chain.ask(asked)
        replies = [checked(chain.ask(asked), asked, program.accept) for _ in range(workload.repeats)]
        found[f"CPU, {workload.name}"] = statistics.median(reply.cpu for reply in replies)
        found[f"first byte, {workload.name}"] = statistics.median(reply.first_byte for reply in replies)
        if asked.interval and program.accept == "text/plain":
            ends = asked.ends[:-1]  # the last bracket of raw text waits for the end of the model's stream
            delays = [delay for reply in replies for delay in reply.latencies(ends)]
            found["latency per fragment, median"] = statistics.median(delays)
            found["latency per fragment, 99th"] = statistics.quantiles(delays, n=100)[98]
        if workload is workloads[0]:
            found["peak memory, 2 KB"] = chain.peak_memory()
    return found


def _table(programs: Mapping[str, Program], figures: Figures) -> str:
    names = list(dict.fromkeys(figure for _, figure in figures))
    others = [name for name in programs if name != _FLOOR]
    lines = [f"| ÷ floor | floor | {' | '.join(others)} |", "|---" * (len(others) + 2) + "|"]
    for figure in names:
        floor = figures[_FLOOR, figure]
        cells = [_ratio(figures.get((name, figure)), floor) for name in others]
        lines.append(f"| {figure} | {_absolute(figure, statistics.median(floor))} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _targets(figures: Figures) -> str:
    lines = ["| target | at most | measured | |", "|---|---|---|---|"]
    for target in TARGETS:
        over, under = figures.get((target.program, target.figure)), figures.get((target.base, target.figure))
        if over is None or under is None:
            continue
        reached = "reached" if target.is_reached(_divided(over, under)) else "not reached"
        lines.append(f"| {target.what} | {target.bound} | {_ratio(over, under)} | {reached} |")
    return "\n".join(lines)


def _panel(figures: Figures, figure: str) -> dict[str, list[float]]:
    """Return the ratios to the floor by program, without those that were not measured."""
    floor = figures[_FLOOR, figure]
    found = {name: values for (name, each), values in figures.items() if each == figure and name != _FLOOR}
    return {name: _divided(values, floor) for name, values in found.items()}


def _divided(values: Sequence[float], base: Sequence[float]) -> list[float]:
    return [value / under for value, under in zip(values, base, strict=True)]


def _ratio(values: Sequence[float] | None, floor: Sequence[float]) -> str:
    if values is None:
        return "-"
    ratios = sorted(_divided(values, floor))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def _absolute(figure: str, value: float) -> str:
    return f"{value / 1e6:.0f} MB" if "memory" in figure else f"{value * 1000:.2f} ms"


if __name__ == "__main__":
    main()
