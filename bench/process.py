"""The CPU and the memory of a process and of its children, measured from outside, on Linux."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path


@contextmanager
def alone_on_a_core() -> Iterator[None]:
    """Give the last core to a process that is started meanwhile; from then on this process has the others.

    Otherwise the scheduler puts both on one core in some rounds, and a byte is seen milliseconds after it was sent.
    """
    *others, last = _cores()
    os.sched_setaffinity(0, {last})
    try:
        yield
    finally:
        os.sched_setaffinity(0, others or {last})


@cache
def _cores() -> list[int]:
    """Return the cores that this process could use at first."""
    return sorted(os.sched_getaffinity(0))


def cpu(process: int) -> float:
    """Return the seconds of CPU of a process and of its children that run."""
    clocks = ((~each << 3) | 2 for each in _family(process))  # clock_getcpuclockid(3) of another process
    return sum(map(time.clock_gettime, clocks))


def machine_cpu() -> float:
    """Return the seconds of CPU that all processes of the machine have used together (proc(5), ``/proc/stat``)."""
    user, nice, system, _, _, irq, softirq, *_ = Path("/proc/stat").read_text(encoding="ascii").split()[1:]
    return sum(map(int, (user, nice, system, irq, softirq))) / os.sysconf("SC_CLK_TCK")


def memory(process: int, field: str) -> int:
    """Return the bytes of a process and of its children: ``VmRSS`` now, ``VmHWM`` at their peaks (proc(5))."""
    return sum(_status(each, field) for each in _family(process))


def _family(process: int) -> list[int]:
    found = [process]
    for each in found:  # it grows while it is read
        for thread in Path(f"/proc/{each}/task").iterdir():
            with suppress(FileNotFoundError):  # the thread has just ended
                found += map(int, (thread / "children").read_text(encoding="ascii").split())
    return found


def _status(process: int, field: str) -> int:
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
    return 1024 * int(kilobytes)
