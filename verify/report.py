"""Runs the checks and shows what they found: a line a check, the timeline beneath its own."""

import threading
from types import TracebackType
from typing import Self, TextIO

from .checks import CHECKS, Check, Failed, Undecided, Visit, warm
from .client import Endpoint, Unreachable
from .events import Malformed

EVERY: float = 10.0
"""Seconds between two lines that say that something is still awaited."""


class Report:
    """Lines for people."""

    def __init__(self, screen: TextIO, *, is_terminal: bool = False) -> None:
        """Write to ``screen``; on a terminal what is awaited is shown in place."""
        self._screen = screen
        self._is_terminal = is_terminal
        self._lock = threading.Lock()
        self.failed = 0
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
        """Run a check and tell what it found; return whether it held, or could not be decided."""
        try:
            mark, text = "ok", check(visit)
        except Undecided as reason:
            mark, text = "-", str(reason)
        except (Failed, Malformed) as reason:
            mark, text = "FAIL", str(reason)
        except Unreachable as reason:
            mark, text = "FAIL", f"no answer: {reason}"
            self.unreachable = True
        self.failed += mark == "FAIL"
        self.line(f"{mark:4}  {name}: {text}")
        table, visit.table = visit.table, ()
        for row in table:
            self.line(f"      {row}")
        return mark != "FAIL"


class StillWaiting:
    """Says every few seconds how long something has been awaited."""

    def __init__(self, report: Report, text: str, every: float = EVERY) -> None:
        self._report, self._text, self._every = report, text, every
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
            self._report.waiting(f"{self._text}: {waited:.0f} s")


def verify(
    endpoint: Endpoint,
    report: Report,
    *,
    body: bytes | None = None,
    origin: str | None = None,
    warm_first: bool = False,
) -> int:
    """Run every check against the endpoint; return 1 if one failed."""
    visit = Visit(endpoint, origin=origin) if body is None else Visit(endpoint, body, origin)
    report.line(f"Verifying {endpoint.url}")
    if warm_first:
        with StillWaiting(report, "The service may be compiling the schema"):
            if not report.run("warm-up", warm, visit):
                return 1
    for name, check in CHECKS:
        report.run(name, check, visit)
        if report.unreachable:
            report.line("There is no answer: the other checks were left out.")
            return 1
    report.line(f"{report.failed} of {len(CHECKS)} checks failed." if report.failed else "All is as promised.")
    return 1 if report.failed else 0
