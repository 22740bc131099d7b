"""What the function's process needs in memory: ``python -m bench.memory``, on Linux.

Each row has a sandbox of its own: a real process behind the local gateway, which answers one small request first. Its
peak is the kernel's (proc(5), ``VmHWM``), counted from then on; resident is what it has once the request is over.
"""

import argparse
import json
import os
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from local.bedrock.script import Step, Stop, Usage, fragments
from local.bedrock.server import Bedrock
from local.lambda_.deployment import Deployment
from local.twin import CHECKOUT, Twin

from .process import memory

SMALL, MIDDLE, LARGE = 2_000, 200_000, 2_000_000
"""Bytes of an answer."""
FRAGMENT: Final = 64
"""Characters."""
DOCUMENT: Final = 4_400_000
FORMATS: Final = {"raw text": "text/plain", "JSON Lines": "application/jsonl", "complete JSON": "application/json"}
ANSWERS: Final = (10, 100)


def main() -> int:
    """Print the tables; return the exit status."""
    description = "Measure what the function's process needs in memory, on Linux."
    argparse.ArgumentParser(prog="python -m bench.memory", description=description).parse_args()
    if not Path("/proc/self/clear_refs").exists():
        print("Memory is measured on Linux alone.")
        return 0
    print("| answer | 2 KB, MB | 200 KB, MB | 2 MB, MB | per byte of 2 MB | per byte of 200 KB |")
    print("|---|---|---|---|---|---|")
    for name, accept in FORMATS.items():
        peaks = [answered(accept, size) for size in (SMALL, MIDDLE, LARGE)]
        shown = " | ".join(f"{peak / 1e6:.1f}" for peak in peaks)
        per_byte = [(peak - peaks[0]) / (size - SMALL) for peak, size in zip(peaks[1:], (MIDDLE, LARGE), strict=True)]
        print(f"| {name} | {shown} | {per_byte[1]:.1f} | {per_byte[0]:.1f} |", flush=True)
    print()
    after = repeated()
    print("| resident after | MB |\n|---|---|")
    for number, resident in after.items():
        print(f"| {number} answers of 200 KB | {resident / 1e6:.1f} |")
    peak, left = carried()
    print(f"\nA document of 4.4 MB: {peak:.1f} times its event at the peak, {left:.1f} times afterwards.")
    return 0


def answered(accept: str, size: int) -> int:
    """Return the peak of a fresh sandbox while it sends an answer of ``size`` bytes."""
    with sandbox() as (twin, bedrock, process):
        bedrock.play(answer(size))
        ask(twin, accept)
        return process("VmHWM")


def repeated() -> Mapping[int, int]:
    """Return what is resident in one sandbox after each number of answers."""
    found = {}
    with sandbox() as (twin, bedrock, process):
        bedrock.play(answer(MIDDLE))
        for number in range(1, max(ANSWERS) + 1):
            ask(twin, "application/jsonl")
            if number in ANSWERS:
                found[number] = process("VmRSS")
    return found


def carried() -> tuple[float, float]:
    """Return how much a document adds, at the peak and afterwards, in sizes of its event."""
    with sandbox({"LLM_BODY_LIMIT": "6000000"}) as (twin, _, process):
        before = process("VmRSS")
        file = {"type": "document", "data": b64encode(b"%PDF-" + os.urandom(DOCUMENT)).decode()}
        content = [{"type": "text", "text": "Is it paid?"}, file]
        ask(twin, "application/json", {"messages": [{"role": "user", "content": content}]})
        event = len(twin.function.invocations[-1].event)
        return (process("VmHWM") - before) / event, (process("VmRSS") - before) / event


@contextmanager
def sandbox(
    environment: Mapping[str, str] | None = None,
) -> Iterator[tuple[Twin, Bedrock, Callable[[str], int]]]:
    """Start a function and let it answer a small request; the last item reads a line of its process's status."""
    deployment = Deployment(CHECKOUT, environment or {}, concurrency=1)
    with Bedrock(limit=1) as bedrock, Twin(bedrock, deployment) as twin:
        bedrock.play(answer(SMALL))
        ask(twin, "application/json")
        [process] = twin.function.processes
        Path(f"/proc/{process}/clear_refs").write_text("5")
        yield twin, bedrock, partial(memory, process)


def answer(size: int) -> list[Step]:
    """Return the script of an answer of ``size`` bytes."""
    text = json.dumps({"summary": "some words " * ((size - 34) // 11), "keywords": ["words"]})
    return [*fragments(text, FRAGMENT), Stop(), Usage(1, 2)]


def ask(twin: Twin, accept: str, body: object = None) -> None:
    """Send a request, read its response to the end, and wait until its stages are through.

    Raises:
        RuntimeError: the response is not a complete answer.
    """
    with twin.post(body, accept) as reply:
        reply.body()
    if reply.status != 200:  # noqa: PLR2004 - HTTP
        raise RuntimeError(f"The response must have the status 200; got {reply.status}: {reply.taken[:1]!r}.")
    twin.function.wait_until_idle()


if __name__ == "__main__":
    sys.exit(main())
