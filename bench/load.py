"""Whether the function holds under load: ``python -m bench.load``, on Linux.

Fifty streams run at once for two minutes, each in a sandbox of its own, and the model sends a fragment every 200 ms.
Then 2,000 short requests follow, eight at a time, in the same sandboxes. The program reads every response to its end,
looks for the record of each request in the function's log, and reads how much memory the process of each sandbox has.
It returns 1 if a target is missed.
"""

import argparse
import json
import math
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from local.bedrock.script import Pause, Step, Stop, Usage, fragments
from local.bedrock.server import Bedrock
from local.client import End, Reply
from local.journal import Journal
from local.lambda_.deployment import Deployment
from local.twin import Twin

from .bundle import unpacked
from .chain import WORDS
from .process import memory

INTERVAL: Final = 0.2
"""Seconds between two fragments of a stream."""
FRAGMENT: Final = 16
"""Characters."""
SHORT: Final = 30
"""Fragments of a short answer, which come at once."""
AT_ONCE: Final = 8
"""Short requests at a time."""
SANDBOXES: Final = 2 * AT_ONCE
"""At least: a sandbox writes its records when its client has the whole response, and sends the next request already."""
SPARE_TIME: Final = 180.0
"""Seconds that the function has beyond the length of a stream."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model writes."""

    value: Mapping[str, object]
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class Received:
    """What a client received of one response."""

    id: str
    """The id of the request, as its first event names it; empty if none arrived."""
    gaps: Sequence[float]
    """Milliseconds between the arrivals of deltas."""
    error: str
    """How the response differs from the complete answer; empty if it does not."""


@dataclass(slots=True)
class Log:
    """The function's log, while the sandboxes write it."""

    records: dict[str, str] = field(default_factory=dict)
    """The outcome of each record, by the id of its request."""
    repeated: list[str] = field(default_factory=list)
    """The ids of records that came more than once."""
    warnings: list[str] = field(default_factory=list)
    """Lines that are neither a record nor usual."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, line: str) -> None:
        """Take a line of a sandbox."""
        with self._lock:
            self._read(line)

    def _read(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except ValueError:
            self.warnings.append(line)
            return
        if record := entry.get("record"):
            if record["id"] in self.records:
                self.repeated.append(record["id"])
            self.records[record["id"]] = record["outcome"]
        elif entry.get("level", "INFO") != "INFO":
            self.warnings.append(line)


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the result."""

    what: str
    expected: str
    measured: str
    is_reached: bool


def main() -> int:
    """Run both loads and print the result; return the exit status."""
    given = _given()
    if not Path("/proc/self/status").exists():
        print("Load is measured on Linux alone.")
        return 0
    log = Log()
    with _stack(log, given.streams, given.seconds) as (twin, bedrock):
        print(f"Starting {given.streams} sandboxes …", file=sys.stderr)
        for _ in range(given.streams):
            twin.function.start()
        streams, after_half, after_streams = _streamed(twin, bedrock, given.streams, given.seconds)
        short = _short(twin, bedrock, given.short)
        twin.function.wait_until_idle()
        after_all = _memory(twin)
        mistakes = [*map(repr, bedrock.mistakes), *map(repr, twin.gateway.mistakes)]
    targets = [
        *_errors([*streams, *short], log, mistakes),
        *_gaps(streams),
        _growth("the last minute of the streams", after_half, after_streams),
        _growth("the short requests", after_half, after_all),
    ]
    print(f"{given.streams} streams of {given.seconds} s, then {given.short:,} short requests, {AT_ONCE} at a time.\n")
    print(_table(targets))
    return 0 if all(target.is_reached for target in targets) else 1


def _given() -> argparse.Namespace:
    description = "Let fifty streams run at once, then many short requests; count errors, gaps and memory."
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=description)
    parser.add_argument("--streams", type=int, default=50, help="streams at once; default: %(default)s")
    parser.add_argument("--seconds", type=int, default=120, help="length of each stream; default: %(default)s")
    parser.add_argument("--short", type=int, default=2000, help="short requests afterwards; default: %(default)s")
    given = parser.parse_args()
    if given.streams < SANDBOXES:
        parser.error(f"--streams must be at least {SANDBOXES}: the short requests need as many sandboxes.")
    return given


@contextmanager
def _stack(log: Log, sandboxes: int, seconds: float) -> Iterator[tuple[Twin, Bedrock]]:
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        deployment = Deployment(unpacked(Path(folder)), timeout=seconds + SPARE_TIME, concurrency=sandboxes)
        with (
            Bedrock(limit=1) as bedrock,
            Twin(bedrock, deployment, journal=Journal(limit=1000), on_output=log.read) as twin,
        ):
            yield twin, bedrock


def _streamed(
    twin: Twin, bedrock: Bedrock, streams: int, seconds: float
) -> tuple[list[Received], Sequence[int], Sequence[int]]:
    """Let the streams run; return what they received, and the memory after half of the time and at the end."""
    answer = _answer(round(seconds / INTERVAL), INTERVAL)
    bedrock.play(answer.steps)
    print(f"Reading {streams} streams for {seconds} s …", file=sys.stderr)
    with ThreadPoolExecutor(streams) as clients:
        reading = [clients.submit(_receive, twin, answer) for _ in range(streams)]
        time.sleep(seconds / 2)
        after_half = _memory(twin)
        received = [each.result() for each in reading]
    twin.function.wait_until_idle()
    return received, after_half, _memory(twin)


def _short(twin: Twin, bedrock: Bedrock, requests: int) -> list[Received]:
    answer = _answer(SHORT)
    bedrock.play(answer.steps)
    print(f"Sending {requests:,} short requests, {AT_ONCE} at a time …", file=sys.stderr)
    with ThreadPoolExecutor(AT_ONCE) as clients:
        return list(clients.map(partial(_receive, twin), [answer] * requests))


def _answer(count: int, interval: float = 0.0) -> Answer:
    """Return an answer of ``count`` fragments."""
    words = " ".join(WORDS[at % len(WORDS)] for at in range(FRAGMENT * count))
    empty = len(json.dumps({"summary": "", "keywords": ["words"]}))
    value = {"summary": words[: FRAGMENT * count - empty], "keywords": ["words"]}
    pause = [Pause(interval)] if interval else []
    steps = [step for fragment in fragments(json.dumps(value), FRAGMENT) for step in (fragment, *pause)]
    return Answer(value, [*steps, Stop(), Usage(1, 2)])


def _receive(twin: Twin, answer: Answer) -> Received:
    """Send a request and read its response to the end."""
    try:
        with twin.post({"prompt": "Why?"}, "application/jsonl") as reply:
            events = list(_events(reply))
    except (OSError, ValueError) as error:
        return Received("", [], f"the response could not be read: {error!r}")
    started = [event["id"] for _, event in events if event["type"] == "start"]
    deltas = sorted({at for at, event in events if event["type"] == "delta"})
    gaps = [later - earlier for earlier, later in pairwise(deltas)]
    return Received(started[0] if started else "", gaps, _difference(reply, [event for _, event in events], answer))


def _events(reply: Reply) -> Iterator[tuple[float, Mapping[str, str]]]:
    """Yield each event with the milliseconds at which it arrived."""
    incomplete = b""
    for piece in reply.pieces():
        *lines, incomplete = (incomplete + piece.data).split(b"\n")
        for line in filter(None, lines):
            yield piece.received_ms, json.loads(line)


def _difference(reply: Reply, events: Sequence[Mapping[str, object]], answer: Answer) -> str:
    if reply.status != 200:  # noqa: PLR2004 - HTTP
        return f"the status is {reply.status}"
    if reply.end is not End.CLEAN:
        return f"the response ended with {reply.end}"
    if not events or events[-1]["type"] != "complete":
        return f"the last event is {events[-1] if events else 'missing'}"
    return "" if events[-1]["value"] == answer.value else "the answer is not the model's"


def _memory(twin: Twin) -> list[int]:
    """Return the resident bytes of each sandbox's process, in the order of their ids."""
    return [memory(process, "VmRSS") for process in sorted(twin.function.processes)]


def _errors(received: Sequence[Received], log: Log, mistakes: Sequence[str]) -> Iterator[Target]:
    wrong = [each.error for each in received if each.error]
    lost = [each.id for each in received if log.records.get(each.id) != "completed"]
    others = [*log.warnings, *mistakes, *(f"the record of {name} came twice" for name in log.repeated)]
    for line in dict.fromkeys([*wrong, *others]):
        print(line, file=sys.stderr)
    yield Target("responses that are not the complete answer", "0", f"{len(wrong)} of {len(received):,}", not wrong)
    yield Target("requests without a record of their completion", "0", f"{len(lost)} of {len(received):,}", not lost)
    yield Target("other lines of error: log, gateway, model", "0", str(len(others)), not others)


def _gaps(streams: Sequence[Received]) -> Iterator[Target]:
    """Judge the gaps of each stream alone; the worst one counts."""
    medians = [statistics.median(each.gaps) if each.gaps else math.inf for each in streams]
    late = [statistics.quantiles(each.gaps, n=100)[98] if each.gaps else math.inf for each in streams]
    wanted = INTERVAL * 1000
    yield Target(
        "median gap between two fragments, of each stream",
        f"{0.9 * wanted:.0f} to {1.1 * wanted:.0f} ms",
        f"{min(medians):.1f} to {max(medians):.1f} ms",
        0.9 * wanted <= min(medians) and max(medians) <= 1.1 * wanted,
    )
    what = "99th percentile of the gaps, of the worst stream"
    yield Target(what, "under 1,000 ms", f"{max(late):.1f} ms", max(late) < 1000)  # noqa: PLR2004 - a second


def _growth(when: str, before: Sequence[int], after: Sequence[int]) -> Target:
    """Compare the memory of each process; the one that changed most counts."""
    what = f"memory of a sandbox after {when}, compared with the first minute"
    if len(before) != len(after):
        return Target(what, "within 5 %", f"{len(before)} processes became {len(after)}", is_reached=False)
    changes = [100 * (late / early - 1) for early, late in zip(before, after, strict=True)]
    extremes = f"{min(changes):+.1f} to {max(changes):+.1f} %"
    size = f"{statistics.median(after) / 1e6:.1f} MB"
    return Target(what, "within 5 %", f"{extremes} (median {size})", max(map(abs, changes)) <= 5)  # noqa: PLR2004 - the per cent of the sentence


def _table(targets: Sequence[Target]) -> str:
    rows = (
        f"| {each.what} | {each.expected} | {each.measured} | {'reached' if each.is_reached else 'not reached'} |"
        for each in targets
    )
    return "\n".join(["| what | expected | measured | |", "|---|---|---|---|", *rows])


if __name__ == "__main__":
    sys.exit(main())
