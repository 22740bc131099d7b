"""What a request costs from outside: the function's process against the floor and the naive way, all in one run.

``python -m bench.endpoint [--rounds 8] [--quick] [--peer NAME=FOLDER]`` prints ratios to the floor: the median of the
rounds, and the least and the greatest. A round runs every program once, one after the other, so that what else the
machine does meets all of them. A peer is a folder with a ``bootstrap`` that speaks the Runtime API.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .bundle import unpacked
from .chain import WORDS, Chain, Question, Reply, frame

_ROOT: Final = Path(__file__).resolve().parent.parent
_PEERS: Final = {"naive": "bench.peers.naive", "floor, our decoder": "bench.peers.decoded"}
_FLOOR: Final = "floor"
_OURS: Final = "this project"
_FORMATS: Final = {"raw text": "text/plain", "SSE": "text/event-stream", "JSON Lines": "application/jsonl"}
_WARM: Final = 3
"""Requests before the first one that counts."""


@dataclass(frozen=True, slots=True)
class Program:
    """A function under measurement."""

    root: Path
    environment: Mapping[str, str]
    accept: str


@dataclass(frozen=True, slots=True)
class Workload:
    """Questions of one size and pace."""

    name: str
    question: Callable[[str], Question]
    """Makes the question for an Accept header."""
    repeats: int


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.endpoint", description="Measure what a request costs from outside."
    )
    parser.add_argument("--rounds", type=int, default=8, help="rounds of all programs; default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="a smaller answer in place of the long one")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=FOLDER", help="another program to measure")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        programs = _programs(Path(folder), dict(peer.split("=", 1) for peer in given.peer))
        workloads = _workloads(quick=given.quick)
        print(_table(programs, _measured(programs, workloads, given.rounds)))


def _programs(folder: Path, peers: Mapping[str, str]) -> dict[str, Program]:
    bundle = unpacked(folder / "bundle")
    programs = {_FLOOR: _peer(folder, "bench.peers.floor", bundle)}
    programs |= {name: _peer(folder, module, bundle) for name, module in _PEERS.items()}
    for name, accept in _FORMATS.items():
        programs[f"{_OURS}, {name}"] = Program(bundle, {}, accept)
    for name, root in peers.items():
        programs[name] = Program(Path(root).resolve(), {}, "text/plain")
    return programs


def _peer(folder: Path, module: str, packages: Path) -> Program:
    root = folder / module
    root.mkdir()
    (root / "bootstrap").write_text(f'#!/bin/sh\nexec "$1" -P -m {module}\n', encoding="ascii")
    (root / "bootstrap").chmod(0o755)
    return Program(root, {"PYTHONPATH": f"{packages}:{_ROOT}"}, "text/plain")


def _workloads(*, quick: bool) -> list[Workload]:
    long = 20_000 if quick else 200_000
    return [
        Workload("2 KB", lambda accept: _question(2_000, 4, accept), 20),
        Workload(f"{long // 1000} KB", lambda accept: _question(long, 16, accept), 2),
        Workload("20 ms a fragment", lambda accept: _question(200, 4, accept, interval=0.02), 3),
    ]


def _question(size: int, cut: int, accept: str, interval: float = 0.0) -> Question:
    words = " ".join(WORDS[at % len(WORDS)] for at in range(size // 4))
    text = json.dumps({"summary": words[: size - 70], "keywords": ["first", "second", "third"]})
    fragments = [text[at : at + cut] for at in range(0, len(text), cut)]
    deltas = [frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": each}}) for each in fragments]
    last = [
        frame("contentBlockStop", {"contentBlockIndex": 0}),
        frame("messageStop", {"stopReason": "end_turn"}),
        frame("metadata", {"usage": {"inputTokens": 12, "outputTokens": 500, "totalTokens": 512}, "metrics": {}}),
    ]
    event = {
        "resource": "/stream",
        "path": "/stream",
        "httpMethod": "POST",
        "headers": {"Accept": accept, "Content-Type": "application/json"},
        "multiValueHeaders": {"Accept": [accept], "Content-Type": ["application/json"]},
        "requestContext": {"requestId": "bench", "identity": {}},
        "body": json.dumps({"prompt": "Why?"}),
        "isBase64Encoded": False,
    }
    return Question(json.dumps(event).encode(), [*deltas, *last], [len(each) for each in fragments], interval)


Figures = dict[tuple[str, str], list[float]]
"""By program and figure: one value per round."""


def _measured(programs: Mapping[str, Program], workloads: Sequence[Workload], rounds: int) -> Figures:
    figures: Figures = {}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        for name, program in programs.items():
            for figure, value in _figures_of(program, workloads).items():
                figures.setdefault((name, figure), []).append(value)
    return figures


def _figures_of(program: Program, workloads: Sequence[Workload]) -> dict[str, float]:
    found: dict[str, float] = {}
    with ExitStack() as running:
        chain = running.enter_context(Chain(program.root, program.environment, sys.executable))
        found["cold start"] = chain.start_cpu
        for workload in workloads:
            question = workload.question(program.accept)
            for _ in range(_WARM if workload is workloads[0] else 0):
                _checked(chain.ask(question))
            replies = [_checked(chain.ask(question)) for _ in range(workload.repeats)]
            found[f"CPU, {workload.name}"] = statistics.median(reply.cpu for reply in replies)
            found[f"first byte, {workload.name}"] = statistics.median(reply.first_byte for reply in replies)
            if question.interval and program.accept == "text/plain":
                ends = question.ends[:-1]  # the last bracket of raw text waits for the end of the model's stream
                delays = [delay for reply in replies for delay in reply.latencies(ends)]
                found["latency per fragment, median"] = statistics.median(delays)
                found["latency per fragment, 99th"] = statistics.quantiles(delays, n=100)[98]
            if workload is workloads[0]:
                found["peak memory, 2 KB"] = chain.peak_memory()
    return found


def _checked(reply: Reply) -> Reply:
    if not reply.arrived:
        raise RuntimeError("A program has answered nothing.")
    return reply


def _table(programs: Mapping[str, Program], figures: Figures) -> str:
    names = list(dict.fromkeys(figure for _, figure in figures))
    others = [name for name in programs if name != _FLOOR]
    lines = [f"| ÷ floor | floor | {' | '.join(others)} |", "|---" * (len(others) + 2) + "|"]
    for figure in names:
        floor = figures[_FLOOR, figure]
        cells = [_ratio(figures.get((name, figure)), floor) for name in others]
        lines.append(f"| {figure} | {_absolute(figure, statistics.median(floor))} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _ratio(values: Sequence[float] | None, floor: Sequence[float]) -> str:
    if values is None:
        return "-"
    ratios = sorted(value / base for value, base in zip(values, floor, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def _absolute(figure: str, value: float) -> str:
    return f"{value / 1e6:.0f} MB" if "memory" in figure else f"{value * 1000:.2f} ms"


if __name__ == "__main__":
    main()
