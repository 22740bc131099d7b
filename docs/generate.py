"""Writes the generated parts of the documentation: ``python -m docs.generate``; ``--check`` only compares.

A generated part stands between the comments ``<!-- generated: NAME -->`` and ``<!-- end -->`` of a Markdown page, or
``# generated: NAME`` and ``# end`` of a YAML or Python file. ``PARTS`` says what each name stands for.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from capacity.figures import FIGURES
from capacity.formulas import Workload, accounts, binding, cost, mean_concurrency, peak_concurrency, values
from docs import reference
from docs.tables import table
from function.arguments import either
from function.aws.bedrock.converse import Converse
from function.claude import CLAUDES, Claude
from function.contract import SERVICES, Cache, Effort, SettingsError, read_settings, variable
from function.schema import Answer
from function.stream.encoders import JsonDocument, JsonLines, RawText, ServerSentEvents
from function.stream.negotiation import OFFERS
from function.stream.record import Calls, Start
from local.bedrock.conversations import RULES
from tests.wire.endings_table import BY_CODE, ENDINGS
from tests.wire.fallback_table import FAILURES
from tests.wire.misbehaviour_table import ROWS, Place

ROOT: Final = Path(__file__).resolve().parent.parent
PART: Final = re.compile(
    r"^(?P<begin>(?:<!-- generated: (?P<page>[\w-]+) -->|(?P<indent> *)# generated: (?P<code>[\w-]+)))\n"
    r"(?P<text>.*?)"
    r"^(?P<end>(?(page)<!-- end -->|(?P=indent)# end))$",
    re.MULTILINE | re.DOTALL,
)
"""One generated part, with the comments around it."""


def files() -> list[Path]:
    """Return the files that may have generated parts."""
    of_code = [ROOT / "Pulumi.yaml", ROOT / "local" / "arguments.py"]
    return [ROOT / "README.md", *of_code, *sorted((ROOT / "docs").glob("*.md"))]


def errors() -> str:
    """Return every code that the function sends, in the order of the tree."""
    rows = [
        [
            f"`{error.code}`",
            str(error.status),
            f"`{error.outcome}`",
            f"yes, after {error.retry_after} s" if error.retry_after else "no",
            error.title,
        ]
        for error in BY_CODE.values()
    ]
    return table(["code", "status", "outcome", "retry", "title"], rows)


FORMATS: Final[Mapping[type, Sequence[str]]] = {
    RawText: ["the JSON text of the answer, as it grows", "the document's last bracket", "a cut"],
    ServerSentEvents: ["typed events, one per message", "`complete`", "`error`, and a clean end"],
    JsonLines: ["typed events, one per line", "`complete`", "`error`, and a clean end"],
    JsonDocument: ["the validated document in one piece", "the document", "none: nothing is sent before the end"],
}
"""What a client gets of each encoder: the body, its end, and its end after a failure."""


def formats() -> str:
    """Return every format that a client can ask for, in the order in which the function prefers them."""
    rows = []
    for offer in OFFERS:
        encoder = offer.format.encoder(Start("", "", 0, lambda: 0, 0.0, Calls()))
        body, good, bad = FORMATS[type(encoder)]
        parameter = f"; view={offer.view}" if offer.view else ""
        shown = body.replace("typed events", "typed events with snapshots") if offer.view else body
        rows.append([f"`{offer.media_type}{parameter}`", f"`{offer.format.content_type}`", shown, good, bad])
    ends = ["end of a complete answer", "end of an answer that fails after the first byte"]
    return table(["`Accept`", "`Content-Type`", "body", *ends], rows)


def endings() -> str:
    """Return every way in which a request ends, as the tests play it."""
    heading = [
        "what happened",
        "client, before the first byte",
        "client, after it",
        "outcome and level of the log line",
        "`NotCompleted`",
        "stored",
        "published",
    ]
    return table(heading, [ending.row() for ending in ENDINGS])


def fallback() -> str:
    """Return which failures of a model are followed by another one, as the tests play them."""
    heading = ["what happens to a model before its answer begins", "code", "another model is called"]
    return table(heading, [failure.row() for failure in FAILURES])


def services() -> str:
    """Return the AWS services that every bundle describes."""
    return f"{either((f'`{name}`' for name in SERVICES), 'and')}.\n"


def misbehaviour() -> str:
    """Return what becomes of a request when own code misbehaves, as the tests play it."""
    rows = [[row.words, *(row.results[place].words for place in Place), row.after] for row in ROWS]
    return table(["your code", *(place.value for place in Place), "the next request finds"], rows)


def models() -> str:
    """Return what each version of Claude accepts."""
    rows = [
        [
            row.name,
            row.native.value,
            _yes(row.forced_tool),
            _yes(row.temperature),
            row.mind.thinks.value,
            _yes(row.mind.adaptive),
            ", ".join(row.mind.efforts) or "none",
            row.mind.effort or "-",
            "5m, 1h" if row.knows_hour_cache else "5m",
            f"{row.cache_minimum:,}" if row.cache_minimum else "not known",
        ]
        for row in CLAUDES
    ]
    heading = ["Claude", "native output", "forced tool", "temperature", "thinks unasked", "thinks if asked"]
    return table([*heading, "efforts", "effort without one", "cache", "least tokens of a cache"], rows)


def model_sources() -> str:
    """Return where the rows of the table of models come from."""
    rows = [[row.name, row.source, row.mind.source] for row in CLAUDES]
    return table(["Claude", "native output, forced tool", "thinking, effort"], rows)


def model_requests() -> str:
    """Return what the function sends to each version of Claude for each argument, as it decides at run time."""
    columns: list[tuple[str, dict[str, str], Callable[[Mapping[str, Any]], str]]] = [
        ("nothing is set", {}, _unasked),
        ("`structuredOutput: native`", {"structured_output": "native"}, _mechanism),
        ("`structuredOutput: tool`", {"structured_output": "tool"}, _mechanism),
        ("`temperature: 0.3`", {"temperature": "0.3"}, _temperature),
        ("`thinking: on`", {"thinking": "on"}, _thinking),
        ("`thinking: off`", {"thinking": "off"}, _thinking),
        ("`showThinking: true`", {"show_thinking": "true"}, _thinking),
        ("`thinking: on`, `showThinking: true`", {"thinking": "on", "show_thinking": "true"}, _thinking),
        *((f"`effort: {word}`", {"effort": word.value}, _effort) for word in Effort),
        ("`thinking: off`, `effort: max`", {"thinking": "off", "effort": "max"}, _effort),
        *((f"`cache: {time}`", {"cache": time.value}, _cache) for time in Cache),
    ]
    rows = [[row.name, *(_sent(row, texts, show) for _, texts, show in columns)] for row in CLAUDES]
    return table(["Claude", *(heading for heading, _, _ in columns)], rows)


def _sent(row: Claude, texts: Mapping[str, str], show: Callable[[Mapping[str, Any]], str]) -> str:
    """Return what of a request shows what the function makes of these settings."""
    settings = read_settings({variable(name): text for name, text in {"model_id": model_id(row), **texts}.items()})
    try:
        made = Converse(settings, Answer.model_json_schema(), "Explain.")
    except SettingsError:
        return "refused"
    return show(made.request(made.form, "", None))


def model_id(row: Claude) -> str:
    """Return the id of a model."""
    major, minor = row.version
    number = f"{major}-{minor}" if minor else str(major)
    return f"anthropic.claude-{number}-{row.family}" if row is CLAUDES[0] else f"anthropic.claude-{row.family}-{number}"


def _mechanism(request: Mapping[str, Any]) -> str:
    return next((f"`{member}`" for member in ("outputConfig", "toolConfig") if member in request), "instructions")


def _temperature(request: Mapping[str, Any]) -> str:
    return str(request["inferenceConfig"].get("temperature", "none"))


def _unasked(request: Mapping[str, Any]) -> str:
    tokens = f"`maxTokens` {request['inferenceConfig']['maxTokens']}"
    return f"{_mechanism(request)}, temperature {_temperature(request)}, {tokens}"


def _thinking(request: Mapping[str, Any]) -> str:
    thinking = request.get("additionalModelRequestFields", {}).get("thinking")
    return " ".join(f"`{word}`" for word in thinking.values()) if thinking else "nothing"


def _effort(request: Mapping[str, Any]) -> str:
    return f"`{request['additionalModelRequestFields']['output_config']['effort']}`"


def _cache(request: Mapping[str, Any]) -> str:
    point = request["system"][-1]["cachePoint"]
    return "`cachePoint`" + (f", `{point['ttl']}`" if "ttl" in point else "")


def _yes(value: bool) -> str:  # noqa: FBT001 - a cell of a table
    return "yes" if value else "no"


def refusals() -> str:
    """Return what the local Bedrock refuses in conversations and request metadata."""
    rows = [[rule.refuses, rule.source, rule.service or "the same"] for rule in RULES]
    return table(["the stand-in refuses", "source", "the service"], rows)


def capacity_figures() -> str:
    """Return the prices and quotas of the calculator."""
    rows = [
        [
            f"`{name}`",
            figure.what,
            figure.shown(),
            figure.unit,
            figure.source,
            figure.date,
            "" if figure.is_known else "yes",
        ]
        for name, figure in FIGURES.items()
    ]
    return table(["name", "what", "value", "unit", "source", "date", "differs by account or model"], rows)


def capacity() -> str:
    """Return what many requests need and cost, at both ends of what is not known."""
    heading = ["requests per day", "under way: mean", "most", "throttles first", "accounts or regions", "USD per day"]
    return table(heading, [_capacity_row(10**power) for power in range(4, 10)])


def _capacity_row(requests: int) -> list[str]:
    workload, ends = Workload(requests), (values(), values(high=True))
    unlimited = values({"tokens_per_minute": 1e15, "tokens_per_day": 1e18, "concurrency": 1e9, "gateway_rate": 1e9})
    first = list(dict.fromkeys(binding(workload, end)[0] for end in ends))
    needed = list(dict.fromkeys(f"{accounts(workload, end):,}" for end in ends))
    mean = mean_concurrency(workload, unlimited)
    is_throttled = any(accounts(workload, end) > 1 for end in ends)
    return [
        f"{requests:,}",
        f"{mean:,.0f}" if mean >= 100 else f"{mean:.3g}",  # noqa: PLR2004 - three digits are enough
        f"{peak_concurrency(workload, unlimited):,}",
        " or ".join(first) if is_throttled else "nothing",
        " to ".join(needed),
        f"{sum(cost(workload, ends[0]).values()) * requests / 1_000:,.0f}",
    ]


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "arguments": reference.arguments,
    "capacity": capacity,
    "capacity-figures": capacity_figures,
    "config": reference.config,
    "endings": endings,
    "errors": errors,
    "fallback": fallback,
    "formats": formats,
    "misbehaviour": misbehaviour,
    "model-requests": model_requests,
    "model-sources": model_sources,
    "models": models,
    "outputs": reference.outputs,
    "refusals": refusals,
    "services": services,
    "settings": reference.settings,
    "shape": reference.shape,
}
"""The generated parts by name. Each function returns whole lines."""


def generated(text: str) -> str:
    """Return ``text`` with every generated part as the code has it now.

    Raises:
        KeyError: a comment names a part that does not exist.
    """

    def fresh(part: re.Match[str]) -> str:
        content = PARTS[part["page"] or part["code"]]()
        blank = "\n" if part["page"] else ""  # Markdown needs it between a comment and a table
        return f"{part['begin']}\n{blank}{content}{blank}{part['end']}"

    return PART.sub(fresh, text)


def main(arguments: Sequence[str]) -> int:
    """Write the generated parts, or with ``--check`` name the files whose parts are stale and return 1."""
    description = "Write the generated parts of the documentation."
    parser = argparse.ArgumentParser(prog="python -m docs.generate", description=description)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a generated part is stale")
    check = parser.parse_args(arguments).check
    stale = [file for file in files() if file.read_text() != generated(file.read_text())]
    for file in stale:
        if check:
            sys.stderr.write(f"{file.relative_to(ROOT)}: a generated part is stale; run make docs.\n")
        else:
            file.write_text(generated(file.read_text()))
            sys.stdout.write(f"{file.relative_to(ROOT)}: written.\n")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
