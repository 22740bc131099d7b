"""The rows of docs/endings.md, for any reader: what the prompt of a request names happens to it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any, Final

from function.contract import Outcome
from local.bedrock.script import Hold
from local.gateway.responses import FUNCTION_FAILED
from local.lambda_.invocation import Ending as InvocationEnding
from local.lambda_.invocation import Invocation
from local.twin import Twin
from tests.wire.endings_table import CANCELLED, COMPLETED, PROMPT, VALUE, Case, Ending, all_cases

FIRST_BYTE: Final = 2
"""Chunks of an invocation once its body has begun: the first one is its head."""
CHUNK_LIMIT: Final = 30


def rows(accept: str) -> Mapping[str, Case]:
    """Return one case of each row in a format of events, before the first byte and after it, by its name.

    A cut has two: it ends as a cut, and cleanly.
    Of several cases, it is one that costs little and needs nothing else at the same time.
    """
    chosen: dict[tuple[Ending, bool], Case] = {}
    for case in all_cases():
        row = case.ending, case.committed
        playable = case.accept == accept and case.second is None and case.meanwhile in MEANWHILE
        if playable and (row not in chosen or _cost(case) < _cost(chosen[row])):
            chosen[row] = case
    chosen.pop((COMPLETED, False), None)  # a complete answer has no other end before the first byte
    cases = [*chosen.values(), _ended_cleanly(chosen[CANCELLED, True])]
    return {str(case): case for case in cases}


def _ended_cleanly(cut: Case) -> Case:
    """Return the case of a cut that the reader sees as a clean end: nobody promises which of the two it sees."""
    case = replace(cut, what=f"{cut.what}, ended cleanly", meanwhile="end cleanly")
    return replace(case, script=[Hold(case.gate) if isinstance(step, Hold) else step for step in cut.script])


def _cost(case: Case) -> tuple[bool, bool, bool, int, bool]:
    nothing_shown = case.place == "after reasoning"
    return bool(case.meanwhile), waits(case), bool(case.headers), len(case.environment), nothing_shown


def all_rows(accept: str) -> set[tuple[Ending, bool]]:
    """Return the rows that have a case in a format, and whether it ends after the first byte."""
    ends = {(case.ending, case.committed) for case in all_cases() if case.accept == accept}
    return ends - {(COMPLETED, False)}


def waits(case: Case) -> bool:
    """Tell whether a time must be over, or a sandbox ends: all readers then ask at the same time."""
    return "timeout" in case.environment or case.ends_sandbox


def request(case: Case) -> dict[str, str]:
    """Return the request that has the case happen to it."""
    return {"prompt": f"{PROMPT} <{case}>{case.padding * ' x'}"}


def told(case: Case) -> tuple[str, Any]:
    """Return what a reader is to know: that the answer is complete, and the value; or that it is not, and the code."""
    if case.ending.outcome is Outcome.COMPLETED:
        return "complete", VALUE
    if case.ending.error is None:
        return "not complete", "cut" if case.committed else FUNCTION_FAILED[1]
    return "not complete", case.ending.error.code


def status(case: Case) -> int:
    """Return the status of a case that ends before the first byte."""
    return case.ending.error.status if case.ending.error else FUNCTION_FAILED[0]


def play(twin: Twin, cases: Mapping[str, Case]) -> None:
    """Have these cases happen to the requests that name them, until the function is deployed again.

    No reader sends a wrong request: it becomes one on its way from the gateway to the function.
    """
    assert twin.bedrock is not None
    function, invoke = twin.function, twin.function.invoke

    def named(text: str) -> Case:
        [case] = [case for name, case in cases.items() if f"<{name}>" in text]
        return case

    def invoke_with(event: bytes, trace_id: str = "") -> Invocation:
        case = named(event.decode())
        invocation = invoke(_altered(event, case), trace_id)
        Thread(target=MEANWHILE[case.meanwhile], args=(twin, invocation, case), daemon=True).start()
        return invocation

    twin.bedrock.answer = lambda call: named(call.prompt).script
    function.invoke = invoke_with  # type: ignore[method-assign]


def _altered(event: bytes, case: Case) -> bytes:
    members = json.loads(event)
    for name, value in case.headers.items():
        for fields, known in (("headers", value), ("multiValueHeaders", [value])):
            others = {key: each for key, each in members[fields].items() if key.lower() != name.lower()}
            members[fields] = {**others, name: known}
    body = {"body": case.body.decode()} if case.body else {}
    return json.dumps({**members, **body, **case.event}).encode()


def _nothing(_: Twin, __: Invocation, ___: Case) -> None:
    pass


def _reset(twin: Twin, invocation: Invocation, case: Case, end: InvocationEnding = InvocationEnding.RESET) -> None:
    """Reset the invocation while the model is held, after the first byte or before it."""
    assert twin.bedrock is not None
    twin.bedrock.reached(case.gate)
    if case.committed:
        invocation.wait_for_chunks(FIRST_BYTE, CHUNK_LIMIT)
    invocation.reset(end)
    twin.bedrock.release(case.gate)


def _end_cleanly(twin: Twin, invocation: Invocation, case: Case) -> None:
    _reset(twin, invocation, case, InvocationEnding.COMPLETE)


def _let_prepare_go(twin: Twin, invocation: Invocation, _: Case) -> None:
    """Let ``prepare`` go on once a sign of life has begun the response."""
    invocation.wait_for_chunks(FIRST_BYTE, CHUNK_LIMIT)
    Path(str(twin.function.deployment.environment["PIPE"])).open("w").close()


MEANWHILE: Final[Mapping[str, Callable[[Twin, Invocation, Case], None]]] = {
    "": _nothing,
    "reset": _reset,
    "end cleanly": _end_cleanly,
    "let prepare go": _let_prepare_go,
}
"""What happens while the model, or own code, waits for it."""
