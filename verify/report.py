"""Runs the checks and reports what they found: a line per check, and a timeline below the one that it explains."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from .checks.catalog import CHECKS, MODEL_CALLS
from .checks.presence import function_responds, warm_up
from .checks.run import LONG_REQUEST, SHORT_REQUEST, Check, Failed, Run, Skipped, Undecided
from .endpoint import Endpoint, Unreachable
from .events import Malformed

INTERVAL: float = 10.0
"""Seconds between two progress lines."""
TERMINAL_INTERVAL: float = 1.0
"""The same on a terminal, where the line is rewritten in place."""


class Report:
    """The lines of one run, and what became of each check."""

    def __init__(self, screen: TextIO, *, is_terminal: bool = False, interval: float | None = None) -> None:
        """Write to ``screen``; progress is shown every ``interval`` seconds."""
        self._screen = screen
        self._is_terminal = is_terminal
        self._interval = interval or (TERMINAL_INTERVAL if is_terminal else INTERVAL)
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._checks: dict[str, list[str]] = {"ok": [], "skip": [], "?": [], "FAIL": []}
        """The names of the checks by their result."""
        self.endpoint_is_gone = False
        """A check had no response at all."""

    def line(self, text: str) -> None:
        """Write a line that stays."""
        with self._lock:
            self._screen.write(f"{self._clear}{text}\n")
            self._screen.flush()

    def progress(self, text: str) -> None:
        """Show what is awaited."""
        if self._is_terminal:
            with self._lock:
                self._screen.write(f"{self._clear}      {text} …")
                self._screen.flush()
        else:
            self.line(f"      {text} …")

    @property
    def _clear(self) -> str:
        return "\r\x1b[K" if self._is_terminal else ""

    def run(self, name: str, check: Check, run: Run) -> bool:
        """Run a check and report what it found; return whether it did not fail."""
        timeline: tuple[str, ...] = ()
        try:
            with StillWaiting(self, name, lambda: run.endpoint.received, self._interval):
                result, text = "ok", check(run)
        except Skipped as reason:
            result, text = "skip", str(reason)
        except Undecided as reason:
            result, text = "?", str(reason)
        except Failed as reason:
            result, text, timeline = "FAIL", str(reason), tuple(reason.timeline)
        except Malformed as reason:
            result, text = "FAIL", str(reason)
        except Unreachable as reason:
            result, text = "FAIL", f"no response: {reason}"
            self.endpoint_is_gone = True
        self._checks[result].append(name)
        self.line(f"{result:4}  {name}: {text}")
        for row in timeline:
            self.line(f"      {row}")
        return result != "FAIL"

    def verdict(self) -> int:
        """Write what the results mean together; return 1 if a check failed, else 0."""
        seconds = f"{time.monotonic() - self._began:.0f} s"
        failed, undecided, skipped = (", ".join(self._checks[result]) for result in ("FAIL", "?", "skip"))
        if skipped:
            self.line(f"Skipped: {skipped}.")
        if undecided:
            self.line(f"Undecided: {undecided}.")
        if failed:
            self.line(f"FAILED after {seconds}: {failed}. See the advice next to each FAIL.")
            return 1
        scope = "checks that could run" if skipped or undecided else "checks"
        self.line(f"All {len(self._checks['ok'])} {scope} passed in {seconds}.")
        return 0


class StillWaiting:
    """Reports every few seconds for how long something has been awaited, and how many bytes have arrived."""

    def __init__(self, report: Report, text: str, received: Callable[[], int], interval: float) -> None:
        self._report, self._text, self._received, self._interval = report, text, received, interval
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _show(self) -> None:
        waited = 0.0
        while not self._over.wait(self._interval):
            waited += self._interval
            self._report.progress(f"{self._text}: {waited:.0f} s, {self._received():,} bytes so far")


def verify(
    endpoint: Endpoint,
    report: Report,
    *,
    body: bytes | None = None,
    origin: str | None = None,
    warm_first: bool = False,
) -> int:
    """Run every check against the endpoint; return 1 if one failed, else 0.

    ``body`` is the request for the model's answers in place of the default prompts.
    """
    run = Run(endpoint, body or LONG_REQUEST, body or SHORT_REQUEST, origin)
    report.line(f"Checking {endpoint.url}")
    if not report.run("endpoint responds", function_responds, run):
        report.line("FAILED: the other checks were not run.")
        return 1
    if warm_first:
        report.line("      Waiting until Bedrock has compiled the schema, which takes minutes if the schema is new.")
        if not report.run("warm-up", warm_up, run):
            report.line("FAILED: the model does not answer; the other checks were not run.")
            return 1
    report.line(
        f"      The checks make {MODEL_CALLS} model calls, each is billed. With a slow model they take minutes."
    )
    for name, check in CHECKS:
        report.run(name, check, run)
        if report.endpoint_is_gone:
            report.line("The endpoint no longer responds: the remaining checks were not run.")
            break
    return report.verdict()
