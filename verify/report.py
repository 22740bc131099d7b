"""Runs the checks and shows what they found: a line a check, the timeline beneath its own."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from .checks.catalog import ANSWERS, CHECKS
from .checks.presence import reached, warm
from .checks.run import BRIEF, LONG, Check, Failed, Skipped, Undecided, Visit
from .endpoint import Endpoint, Unreachable
from .events import Malformed

EVERY: float = 10.0
"""Seconds between two lines that say that something is still awaited."""
EVERY_ON_TERMINAL: float = 1.0
"""The same where the line stays in its place."""


class Report:
    """Lines for people."""

    def __init__(self, screen: TextIO, *, is_terminal: bool = False, every: float | None = None) -> None:
        """Write to ``screen``; on a terminal what is awaited is shown in place, every so many seconds."""
        self._screen = screen
        self._is_terminal = is_terminal
        self._every = every or (EVERY_ON_TERMINAL if is_terminal else EVERY)
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self.named: dict[str, list[str]] = {"ok": [], "skip": [], "?": [], "FAIL": []}
        """The checks by what became of them."""
        self.unreachable = False
        """A check had no answer at all."""

    def line(self, text: str) -> None:
        """Write a line that stays."""
        with self._lock:
            self._screen.write(f"{self._clear}{text}\n")
            self._screen.flush()

    def waiting(self, text: str) -> None:
        """Say what is awaited."""
        if self._is_terminal:
            with self._lock:
                self._screen.write(f"{self._clear}      {text} …")
                self._screen.flush()
        else:
            self.line(f"      {text} …")

    @property
    def _clear(self) -> str:
        return "\r\x1b[K" if self._is_terminal else ""

    def run(self, name: str, check: Check, visit: Visit) -> bool:
        """Run a check and tell what it found; return whether it did not fail."""
        try:
            with StillWaiting(self, name, lambda: visit.endpoint.received, self._every):
                mark, text = "ok", check(visit)
        except Skipped as reason:
            mark, text = "skip", str(reason)
        except Undecided as reason:
            mark, text = "?", str(reason)
        except (Failed, Malformed) as reason:
            mark, text = "FAIL", str(reason)
        except Unreachable as reason:
            mark, text = "FAIL", f"no answer: {reason}"
            self.unreachable = True
        self.named[mark].append(name)
        self.line(f"{mark:4}  {name}: {text}")
        table, visit.table = visit.table, ()
        for row in table:
            self.line(f"      {row}")
        return mark != "FAIL"

    def verdict(self) -> int:
        """Say what all of it means; return 1 if a check failed."""
        seconds = f"{time.monotonic() - self._began:.0f} s"
        failed, undecided, skipped = (", ".join(self.named[mark]) for mark in ("FAIL", "?", "skip"))
        if skipped:
            self.line(f"Skipped: {skipped}.")
        if undecided:
            self.line(f"Could not be decided: {undecided}.")
        if failed:
            self.line(f"FAILED after {seconds}: {failed}. What to do stands beside each FAIL above.")
            return 1
        scope = "What could be checked" if skipped or undecided else "All"
        self.line(f"{scope} is as promised ({len(self.named['ok'])} checks, {seconds}).")
        return 0


class StillWaiting:
    """Says every few seconds how long something has been awaited, and how much of it has come."""

    def __init__(self, report: Report, text: str, received: Callable[[], int], every: float) -> None:
        self._report, self._text, self._received, self._every = report, text, received, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _tell(self) -> None:
        waited = 0.0
        while not self._over.wait(self._every):
            waited += self._every
            came = self._received()
            self._report.waiting(f"{self._text}: {waited:.0f} s, {came:,} bytes so far")


def verify(
    endpoint: Endpoint,
    report: Report,
    *,
    body: bytes | None = None,
    origin: str | None = None,
    warm_first: bool = False,
) -> int:
    """Run every check against the endpoint; return 1 if one failed."""
    visit = Visit(endpoint, body or LONG, body or BRIEF, origin)
    report.line(f"Verifying {endpoint.url}")
    if not report.run("is it there", reached, visit):
        report.line("FAILED: without that nothing else was checked.")
        return 1
    if warm_first:
        report.line("      Waiting for the service to compile the schema; a new one takes minutes.")
        if not report.run("warm-up", warm, visit):
            report.line("FAILED: without an answer of the model nothing else was checked.")
            return 1
    report.line(f"      {ANSWERS} answers of the model are asked for (each is billed): minutes, if it is slow.")
    for name, check in CHECKS:
        report.run(name, check, visit)
        if report.unreachable:
            report.line("The endpoint is gone: the checks after this one were left out.")
            break
    return report.verdict()
