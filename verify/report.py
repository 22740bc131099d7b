"""Runs the checks and reports what they found: one line per check, and a timeline below a line that needs one."""

import time
from typing import Final

from local.terminal import Terminal, printable

from .checks.catalog import CHECKS, MODEL_CALLS
from .checks.presence import function_responds, warm_up
from .checks.run import LONG_REQUEST, SHORT_REQUEST, Check, Failed, Run, Skipped, Undecided
from .endpoint import RemoteEndpoint, Unreachable
from .events import Malformed

INDENT: Final = " " * 6
"""Puts a line that is not the result of a check below the names of the checks."""


class Report:
    """Writes the lines of one run, and keeps the result of each check."""

    def __init__(self, terminal: Terminal) -> None:
        """Write to ``terminal``."""
        self._terminal = terminal
        self._began = time.monotonic()
        self._checks: dict[str, list[str]] = {"ok": [], "skip": [], "?": [], "FAIL": []}
        """The names of the checks by their result."""
        self.endpoint_is_gone = False
        """Whether a check got no response at all."""

    def line(self, text: str) -> None:
        """Write a line that stays."""
        self._terminal.line(printable(text))

    def progress(self, text: str) -> None:
        """Show what is awaited."""
        self._terminal.progress(INDENT + printable(text))

    def run(self, name: str, check: Check, run: Run) -> bool:
        """Run a check and report what it found; return False if it failed."""
        timeline: tuple[str, ...] = ()
        try:
            with self._terminal.waiting(INDENT + name, run.endpoint.describe_received, at_once=False):
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
            self.line(INDENT + row)
        return result != "FAIL"

    def conclude(self) -> int:
        """Write a summary of the results; return 1 if a check failed, else 0."""
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


def verify(
    endpoint: RemoteEndpoint,
    report: Report,
    *,
    body: bytes | None = None,
    origin: str | None = None,
    warm_first: bool = False,
) -> int:
    """Run every check against the endpoint; return 1 if one failed, else 0.

    ``body`` is the request for the model's answers, such as the example of the request class, in place of prompts.
    """
    run = Run(endpoint, body or LONG_REQUEST, body or SHORT_REQUEST, origin)
    report.line(f"Checking {endpoint.url}")
    if not report.run("endpoint responds", function_responds, run):
        report.line("FAILED: the other checks were not run.")
        return 1
    if warm_first:
        report.line(f"{INDENT}Waiting until Bedrock has compiled the schema, which takes minutes if the schema is new.")
        if not report.run("warm-up", warm_up, run):
            report.line("FAILED: the model does not answer; the other checks were not run.")
            return 1
    report.line(
        f"{INDENT}The checks make {MODEL_CALLS} model calls, each is billed. With a slow model they take minutes."
    )
    for name, check in CHECKS:
        report.run(name, check, run)
        if report.endpoint_is_gone:
            report.line("The endpoint no longer responds: the remaining checks were not run.")
            break
    return report.conclude()
