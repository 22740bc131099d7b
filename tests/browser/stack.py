"""``python -m tests.browser.stack``: the local stack and the playground, for tests that are written in JavaScript.

A line of JSON on standard input is a command: ``{"id": 1, "do": "deploy", "with": {…}}``. A line on standard output is
its result, or what went wrong: ``{"id": 1, "result": …}``, ``{"id": 1, "error": "…"}``. The end of the input ends it.
"""

import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from local.bedrock import script
from local.bedrock.call import Call
from local.bedrock.server import Bedrock
from local.http11.server import Exchange, Server
from local.lambda_.deployment import Deployment
from local.lambda_.invocation import Ending
from local.playground.server import Example, Playground
from local.twin import CHECKOUT, Twin
from tests.formats import LINES, SSE, WHOLE
from tests.wire import rows
from tests.wire.endings_table import FAILED, PROMPT, Case, all_cases

UNSEEN: Final = frozenset({"body_not_json"})
"""Codes that the page never receives: what it sends is always JSON."""
PAGE: Final = b"<!doctype html><title>Another page</title>"


class Stack:
    """The local stack, the playground, and a page of another origin that is allowed to call, and one that is not."""

    def __init__(self, held: ExitStack) -> None:
        self._bedrock = held.enter_context(Bedrock())
        self._allowed = held.enter_context(Server(_send_page))
        self._foreign = held.enter_context(Server(_send_page))
        self._twin = held.enter_context(Twin(self._bedrock, Deployment(CHECKOUT)))
        self._playground = held.enter_context(Playground(self._twin, {"stream": Example(None)}))
        self._endings = self._bedrock.answer
        self._variables: Mapping[str, str] = {}
        self._cases: dict[str, Case] = {}
        self._rows = {**rows.rows(LINES), **rows.rows(SSE)}
        self._pipe = Path(held.enter_context(tempfile.TemporaryDirectory())) / "pipe"
        os.mkfifo(self._pipe)
        self.deploy()

    def urls(self) -> Mapping[str, str]:
        """Return the URLs of the endpoint and of the pages."""
        return {
            "endpoint": self._twin.url,
            "playground": self._playground.url,
            "allowed": self._allowed.url,
            "foreign": self._foreign.url,
        }

    def deploy(self, timeout: float = 120, **settings: str) -> None:
        """Run the function with these settings, by their names without ``LLM_``; the pages' origins are allowed."""
        origins = f"{self._playground.url.rstrip('/')},{self._allowed.url}"
        wanted = {f"LLM_{name.upper()}": value for name, value in {"allowed_origins": origins, **settings}.items()}
        wanted["PIPE"] = str(self._pipe)
        removed = dict.fromkeys(self._variables.keys() - wanted.keys())
        self._twin.deploy({**removed, **wanted}, timeout=timeout)
        self._twin.function.start()
        self._variables = wanted

    def play(self, *scripts: Sequence[Mapping[str, object]]) -> None:
        """Answer the next calls with these scripts, as ``local.bedrock.script`` reads them; the last one repeats."""
        self._bedrock.play(*(script.parse(steps) for steps in scripts))

    def play_endings(self) -> None:
        """Answer with the endings that the playground asks for."""
        self._bedrock.answer = self._endings

    def cut(self, *, cleanly: bool) -> None:
        """End the latest response in the middle: as a cut, or with a clean end of its connection."""
        self._twin.function.invocations[-1].reset(Ending.COMPLETE if cleanly else Ending.CUT)

    def reached(self, gate: str) -> None:
        """Wait until a script has reached the gate."""
        self._bedrock.reached(gate)

    def release(self, gate: str) -> None:
        """Open the gate."""
        self._bedrock.release(gate)

    def call_count(self) -> int:
        """Return how many model calls there were, once the function waits for its next event."""
        self._twin.function.wait_until_idle()
        return len(self._bedrock.calls)

    def called(self, number: int) -> None:
        """Wait until so many model calls have come."""
        self._bedrock.called(number)

    def end_cuts(self, *, cleanly: bool) -> None:
        """Choose how the gateway ends a response that the function has cut."""
        self._twin.gateway.clean_cut = cleanly

    def groups(self) -> Sequence[Mapping[str, object]]:
        """Return the endings that the page can see, by what they need to be deployed with."""
        grouped: dict[tuple[str, bool], list[Case]] = {}
        for case in _visible_cases():
            key = json.dumps(case.environment), case.format == "raw, ended cleanly"
            grouped.setdefault(key, []).append(case)
            self._cases[str(case)] = case
        return [
            {"environment": json.loads(environment), "cleanly": cleanly, "cases": [_described(case) for case in cases]}
            for (environment, cleanly), cases in grouped.items()
        ]

    def failures(self) -> Sequence[str]:
        """Return the codes of all failures of accepted requests."""
        return list(FAILED)

    def play_cases(self) -> None:
        """Answer each call with the script of the case that its prompt names."""
        self._bedrock.answer = self._script_of

    def _script_of(self, call: Call) -> Sequence[script.Step]:
        [case] = [case for name, case in self._cases.items() if f"<{name}>" in call.prompt]
        return case.script

    def rows(self) -> Sequence[Mapping[str, object]]:
        """Return a case of each row of the endings in each format of events, by what they need to be deployed with.

        Those of a round are asked at the same time by all readers if they wait.
        """
        grouped: dict[str, dict[str, list[Case]]] = {}
        for name, case in self._rows.items():
            rounds = grouped.setdefault(json.dumps(case.environment), {})
            rounds.setdefault(f"{case.what}, {case.place}" if rows.waits(case) else name, []).append(case)
        return [
            {
                "environment": json.loads(environment),
                "waits": any(rows.waits(case) for cases in rounds.values() for case in cases),
                "rounds": [[_row(case) for case in cases] for cases in rounds.values()],
            }
            for environment, rounds in grouped.items()
        ]

    def deploy_rows(self, sandboxes: int, environment: Mapping[str, str]) -> None:
        """Run the function with what rows need, in so many sandboxes, and let them happen to who asks for them."""
        settings: dict[str, Any] = dict(environment)
        self.deploy(float(settings.pop("timeout", 120)), **settings)
        for _ in range(sandboxes - 1):
            self._twin.function.start()
        rows.play(self._twin, self._rows)

    def resident(self) -> int:
        """Return the memory of this process, which has the gateway, in KB: the most since it was asked for last."""
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        [peak] = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return peak


def _visible_cases() -> Iterator[Case]:
    """Yield a case for each code and format that the page can see, before the first byte and after it.

    Those before it that need a function of their own are left out, where there is one after it.
    """
    chosen: dict[tuple[str, str, bool], Case] = {}
    for case in all_cases():
        error = case.ending.error
        if error is None or error.code in UNSEEN or case.accept == WHOLE:
            continue
        if case.event or case.headers or case.meanwhile or case.second:
            continue
        key = error.code, case.format, case.committed
        if key not in chosen or (chosen[key].environment and not case.environment):
            chosen[key] = case
    for (code, form, committed), case in chosen.items():
        if committed or not case.environment or (code, form, True) not in chosen:
            yield case


def _described(case: Case) -> Mapping[str, object]:
    error = case.ending.error
    assert error is not None
    prompt = f"{PROMPT} <{case}>{case.padding * ' x'}"
    return {
        "name": str(case),
        "code": error.code,
        "status": error.status,
        "retryAfter": error.retry_after,
        "format": case.accept,
        "committed": case.committed,
        "body": case.body.decode() if case.body else json.dumps({"prompt": prompt}),
    }


def _row(case: Case) -> Mapping[str, object]:
    outcome, known = rows.told(case)
    return {
        "name": str(case),
        "format": case.accept,
        "waits": rows.waits(case),
        "request": rows.request(case),
        "expected": {"outcome": outcome, "value" if outcome == "complete" else "code": known},
        "refusedWith": None if case.committed else rows.status(case),
    }


def _send_page(exchange: Exchange) -> None:
    exchange.send(200, [("Content-Type", "text/html; charset=utf-8")], PAGE)


def main() -> None:
    """Run commands until the end of the input; each of them in a thread of its own: one may wait for another."""
    write = threading.Lock()

    def run(command: Callable[..., object], number: int, arguments: Any) -> None:
        try:
            positional, named = (arguments, {}) if isinstance(arguments, list) else ([], arguments)
            line: dict[str, object] = {"id": number, "result": command(*positional, **named)}
        except Exception as error:  # noqa: BLE001 - the test that sent the command fails
            line = {"id": number, "error": repr(error)}
        with write:
            sys.stdout.write(f"{json.dumps(line)}\n")
            sys.stdout.flush()

    with ExitStack() as held:
        stack = Stack(held)
        for line in sys.stdin:
            asked = json.loads(line)
            arguments = getattr(stack, asked["do"]), asked["id"], asked.get("with", {})
            threading.Thread(target=run, args=arguments, daemon=True).start()


if __name__ == "__main__":
    main()
