"""What a fragment costs: Partials against its peers, each in a process of its own, all in one run.

``python -m bench.partials [--quick] [--plot docs/partials.svg]`` prints microseconds of CPU per fragment and the
targets. A producer that parses the whole text again at each fragment is measured on an even sample of the fragments.
"""

import argparse
import asyncio
import gc
import importlib
import importlib.metadata
import json
import math
import random
import shutil
import subprocess
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

from botocore.eventstream import EventStreamBuffer
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, create_model
from pydantic_core import from_json

from function.aws.bedrock.frames import frames as decode_frames
from function.partials import Partials

from .chain import WORDS, frame

_HERE: Final = Path(__file__).parent
_SIZES: Final = {"2 KB": 2_000, "40 KB": 40_000, "250 KB": 250_000, "1 MB": 1_000_000}
_CUTS: Final = (4, 16, 64)
_SAMPLE: Final = 60
"""Fragments measured of a producer that starts again at each."""


class Step(BaseModel):
    """One paragraph."""

    title: str
    text: Annotated[str, Field(min_length=1)]


class Strings(BaseModel):
    """Few long strings."""

    summary: str
    steps: list[Step]


class Item(BaseModel):
    """Some short values."""

    id: int
    price: Annotated[float, Field(ge=0)]
    ok: bool
    tag: Literal["a", "b", "c"]
    name: str


class Items(BaseModel):
    """Many small records."""

    items: list[Item]


class Tree(BaseModel):
    """Records in records."""

    value: int
    children: list["Tree"] = []


Make = Callable[[random.Random], dict[str, object]]


def _step(chance: random.Random) -> dict[str, object]:
    return {"title": _prose(chance, 4), "text": _prose(chance, 80)}


def _item(chance: random.Random) -> dict[str, object]:
    price, ok = round(chance.random() * 100, 2), chance.random() < 1 / 2
    return {"id": chance.randrange(10**6), "price": price, "ok": ok, "tag": "b", "name": _prose(chance, 2)}


def _tree(chance: random.Random, depth: int = 40) -> dict[str, object]:
    return {"value": chance.randrange(1000), "children": [_tree(chance, depth - 1)] if depth else []}


def _prose(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(WORDS, k=count))


_DOCUMENTS: Final[dict[str, tuple[type[BaseModel], dict[str, object], str, Make]]] = {
    "strings": (Strings, {"summary": "In short."}, "steps", _step),
    "items": (Items, {}, "items", _item),
    "nested": (Tree, {"value": 0}, "children", _tree),
}


def _document(shape: str, size: int) -> tuple[type[BaseModel], str]:
    model, head, key, make = _DOCUMENTS[shape]
    chance = random.Random(size)
    parts: list[dict[str, object]] = []
    length = 0
    while length < size:
        parts.append(make(chance))
        length += len(json.dumps(parts[-1])) + 2
    return model, json.dumps({**head, key: parts})


def _fragments(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


@cache
def _peer(name: str) -> Any:  # noqa: ANN401 - a module without types
    """Load a peer, in its own process alone."""
    return importlib.import_module(name)


Feed = Callable[[type[BaseModel], list[str]], None]
Again = Callable[[type[BaseModel], str], object]


def _partials(model: type[BaseModel], fragments: list[str]) -> None:
    feed = Partials(model).feed
    for fragment in fragments:
        feed(fragment)


def _partials_with_snapshots(model: type[BaseModel], fragments: list[str]) -> None:
    partials = Partials(model)
    for fragment in fragments:
        partials.feed(fragment)
        _ = partials.snapshot


def _jsonriver(_: type[BaseModel], fragments: list[str]) -> None:
    jsonriver = _peer("jsonriver")

    async def source() -> AsyncIterator[str]:
        for fragment in fragments:
            yield fragment

    async def read() -> None:
        async for _ in jsonriver.parse(source()):
            pass

    asyncio.run(read())


def _ijp(_: type[BaseModel], fragments: list[str]) -> None:
    ijp = _peer("ijp")
    parser = ijp.IncrementalJSONParser()
    for fragment in fragments:
        parser.send(fragment)
        for _ in parser:
            pass


def _ijson(_: type[BaseModel], fragments: list[str]) -> None:
    ijson = _peer("ijson")
    events = ijson.sendable_list()
    parser = ijson.basic_parse_coro(events)
    for fragment in fragments:
        parser.send(fragment.encode())
        del events[:]


def _from_json(_: type[BaseModel], text: str) -> object:
    return from_json(text, allow_partial="trailing-strings")


def _jiter(_: type[BaseModel], text: str) -> object:
    jiter = _peer("jiter")
    return jiter.from_json(text.encode(), partial_mode="trailing-strings")


def _partial_json_parser(_: type[BaseModel], text: str) -> object:
    partial_json_parser = _peer("partial_json_parser")
    try:
        return partial_json_parser.loads(text)
    except ValueError:
        return None  # it has no answer for some prefixes


def _instructor(model: type[BaseModel], text: str) -> object:
    return list(_partial_model(model).model_from_chunks([text]))


@cache
def _partial_model(model: type[BaseModel]) -> Any:  # noqa: ANN401 - a class made at run time
    return _peer("instructor.dsl.partial").Partial[model]


def _typeadapter(model: type[BaseModel], text: str) -> object:
    """Pydantic's own partial mode, which pydantic-ai runs on a debounce."""
    try:
        return _adapter(model).validate_json(text, experimental_allow_partial="trailing-strings")
    except ValidationError:
        return None  # a false alarm on an unfinished object


_adapter = cache(TypeAdapter[Any])


def _wire(fragments: list[str]) -> list[bytes]:
    payloads = [{"contentBlockIndex": 0, "delta": {"text": fragment}, "p": "abcdefgh"} for fragment in fragments]
    return [frame("contentBlockDelta", payload) for payload in payloads]


def _decoded(frames: list[bytes]) -> Iterator[Any]:
    buffer = EventStreamBuffer()
    for each in frames:
        buffer.add_data(each)
        yield from buffer


_LINEAR: Final[dict[str, Feed]] = {
    "Partials": _partials,
    "Partials, snapshots": _partials_with_snapshots,
    "jsonriver": _jsonriver,
    "ijp": _ijp,
    "ijson": _ijson,
}
_AGAIN: Final[dict[str, Again]] = {
    "from_json": _from_json,
    "jiter": _jiter,
    "TypeAdapter partial (pydantic-ai)": _typeadapter,
    "instructor": _instructor,
    "partial-json-parser": _partial_json_parser,
}
_BEDROCK: Final = "Bedrock event"
_OURS: Final = "Bedrock event, the function's decoder"
_NODE: Final = "AI SDK (Node)"
_SLOW: Final = {"partial-json-parser", "instructor", _NODE}
"""Milliseconds a fragment from 250 KB on: fewer fragments of them are measured, and none at 1 MB."""


def _measured(producer: str, shape: str, size: int, cut: int) -> float | None:
    """Return microseconds of CPU per fragment; None where it is not measured."""
    model, text = _document(shape, size)
    fragments = _fragments(text, cut)
    if producer in _LINEAR:
        return _best(lambda: _LINEAR[producer](model, fragments), len(text)) / len(fragments)
    if producer == _BEDROCK:
        frames = _wire(fragments)
        return _best(lambda: [json.loads(event.payload) for event in _decoded(frames)], len(text)) / len(fragments)
    if producer == _OURS:
        frames = _wire(fragments)
        return _best(lambda: [json.loads(frame[1]) for frame in decode_frames(frames) if frame], len(text)) / len(
            fragments
        )
    sample = 8 if producer in _SLOW and size > _SIZES["40 KB"] else _SAMPLE
    if producer in _SLOW and size > _SIZES["250 KB"]:
        return None
    if producer == _NODE:
        return _of_node(text, cut, sample)
    stride = max(1, len(fragments) // sample)
    ends = range(stride // 2, len(fragments), stride)
    texts = [text[: (end + 1) * cut] for end in ends]
    parse = _AGAIN[producer]
    return _best(lambda: [parse(model, prefix) for prefix in texts], len(text)) / len(texts)


def _best(run: Callable[[], object], length: int) -> float:
    """Return the microseconds of the fastest of some runs."""
    best = math.inf
    for _ in range(max(2, min(30, 200_000 // length))):
        gc.collect()
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best * 1e6


def _of_node(text: str, cut: int, sample: int) -> float | None:
    node = shutil.which("node")
    if node is None or not (_HERE / "node_modules" / "ai").is_dir():
        return None
    question = json.dumps({"text": text, "size": cut, "fragments": sample})
    ran = subprocess.run(  # noqa: S603 - the programs of this file
        [node, _HERE / "ai_sdk.mjs"], input=question, capture_output=True, text=True, check=True
    )
    return float(ran.stdout)


def _plan_cost() -> float:
    """Return how often the cost of building a model goes into planning its partials."""
    ratios = []
    for number in range(20):
        name = f"Model{number}"
        start = time.process_time()
        fields: dict[str, Any] = {f"field{n}": (Annotated[int, Field(ge=0)], ...) for n in range(8)}
        item = create_model(f"Item{number}", **fields)
        model = create_model(
            name, title=(str, ...), items=(cast(Any, list.__class_getitem__(item)), ...), note=(str | None, None)
        )
        built = time.process_time()
        row = "{" + ", ".join(f'"field{n}": 1' for n in range(8)) + "}"
        Partials(model).feed(f'{{"title": "a", "items": [{row}], "note": null}}')
        ratios.append((time.process_time() - built) / (built - start))
    return sorted(ratios)[len(ratios) // 2]


def _first_feeds() -> list[float]:
    """Return the microseconds of a construction and its first feed: of the first answer of a class, of later ones."""
    firsts: list[float] = []
    laters: list[float] = []
    for number in range(20):
        item = create_model(f"Record{number}", id=(int, ...), price=(float, ...), ok=(bool, ...), name=(str, ...))
        model = create_model(f"Records{number}", items=(cast(Any, list.__class_getitem__(item)), ...))
        for costs in (firsts, *[laters] * 20):
            start = time.process_time()
            Partials(model).feed('{"items": [{"id"')
            costs.append((time.process_time() - start) * 1e6)
    return [sorted(costs)[len(costs) // 2] for costs in (firsts, laters)]


def _memory(cut: int) -> float:
    """Return the peak of traced bytes per byte of a 250 KB document while it is fed."""
    model, text = _document("items", _SIZES["250 KB"])
    fragments = _fragments(text, cut)
    tracemalloc.start()
    _partials(model, fragments)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / len(text)


_Key = tuple[str, str, str, int]


def _apart(*arguments: str) -> Any:  # noqa: ANN401 - what the child printed
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "bench.partials", "--one", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - this module
    if ran.returncode:
        print(f"not measured: {arguments}: {ran.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(ran.stdout)


def _one(arguments: list[str]) -> object:
    if arguments[0] == "plan":
        return _plan_cost()
    if arguments[0] == "first":
        return _first_feeds()
    if arguments[0] == "memory":
        return _memory(int(arguments[1]))
    producer, shape, *pairs = arguments
    found = {}
    for pair in pairs:
        size, cut = pair.split("/")
        found[pair] = _measured(producer, shape, _SIZES[size], int(cut))
    return found


def _table(quick: bool) -> dict[_Key, float]:  # noqa: FBT001 - a flag of the command line
    cuts = (4, 16) if quick else _CUTS
    figures: dict[_Key, float] = {}
    for producer in [*_LINEAR, _BEDROCK, _OURS, *_AGAIN, _NODE]:
        sizes = ("2 KB", "250 KB") if quick and producer in _SLOW else tuple(_SIZES)
        for shape in _DOCUMENTS:
            pairs = [f"{size}/{cut}" for size in sizes for cut in cuts]
            found = _apart(producer, shape, *pairs) or {}
            for pair, cost in found.items():
                size, cut = pair.split("/")
                if cost is not None:
                    figures[producer, shape, size, int(cut)] = cost
    return figures


def _printed(figures: dict[_Key, float]) -> None:
    columns = sorted({key[2:] for key in figures}, key=lambda pair: (_SIZES[pair[0]], pair[1]))
    for shape in _DOCUMENTS:
        print(f"\n{shape}: microseconds of CPU per fragment\n")
        print("| producer | " + " | ".join(f"{size}, {cut}" for size, cut in columns) + " |")
        print("|---" * (len(columns) + 1) + "|")
        for producer in dict.fromkeys(key[0] for key in figures):
            costs = [figures.get((producer, shape, *column)) for column in columns]
            cells = ["-" if cost is None else f"{cost:,.1f}" for cost in costs]
            print(f"| {producer} | " + " | ".join(cells) + " |")


Target = tuple[str, float, float, bool]
"""What, the figure, the bound, and whether more is better."""


def _targets(figures: dict[_Key, float]) -> Iterator[Target]:
    def ratio(over: str, under: str, shape: str, size: str, cut: int) -> float:
        return figures.get((over, shape, size, cut), math.nan) / figures[under, shape, size, cut]

    for shape in _DOCUMENTS:
        growth = max(
            figures["Partials", shape, "1 MB", cut] / figures["Partials", shape, "2 KB", cut] for cut in (4, 16)
        )
        yield f"{shape}: a fragment at 1 MB against 2 KB", growth, 1.3, False
        for size, cut, bound in (("2 KB", 4, 2), ("250 KB", 16, 60), ("1 MB", 16, 300)):
            got = ratio("from_json", "Partials", shape, size, cut)
            yield f"{shape}: faster than from_json at {size}, {cut}", got, bound, True
        for peer in ("jsonriver", "ijp"):
            got = min(ratio(peer, "Partials", shape, size, cut) for size in _SIZES for cut in (4, 16))
            yield f"{shape}: faster than {peer}, everywhere", got, 1, True
        got = max(ratio("Partials", _BEDROCK, shape, size, cut) for size in _SIZES for cut in (4, 16))
        yield f"{shape}: share of decoding the Bedrock event, at most", got, 0.5, False
        got = max(ratio("Partials, snapshots", "Partials", shape, size, cut) for size in _SIZES for cut in (4, 16))
        yield f"{shape}: a snapshot at every fragment, times", got, 4, False
    yield "plan against building the model", _apart("plan") or math.nan, 5, False
    few, many = _apart("memory", "64") or math.nan, _apart("memory", "4") or math.nan
    yield "memory in 4-character against 64-character fragments", many / few, 1.05, False


def _plot(figures: dict[_Key, float], path: Path) -> None:
    """Draw the cost of a 16-character fragment of the records against the document's size, both logarithmic."""
    left, top, width, height = 70, 40, 480, 340
    names = list(dict.fromkeys(key[0] for key in figures))
    shown = {name: [(size, figures.get((name, "items", size, 16))) for size in _SIZES] for name in names}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 190} {top + height + 50}">',
        '<g font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>',
        f'<text x="{left}" y="20" font-size="14">CPU per 16-character fragment of a list of records</text>',
    ]

    def at(size: str, cost: float) -> tuple[float, float]:
        x = left + width * math.log(_SIZES[size] / 2_000) / math.log(500)
        return x, top + height * (1 - math.log10(cost) / 6)

    for power, label in enumerate(("1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s")):
        _, y = at("2 KB", 10.0**power)
        parts.append(f'<path d="M{left} {y:.0f}h{width}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.0f}" text-anchor="end">{label}</text>')
    parts += [
        f'<text x="{at(size, 1)[0]:.0f}" y="{top + height + 22}" text-anchor="middle">{size}</text>' for size in _SIZES
    ]
    ends: list[float] = []
    for rank, name in enumerate(sorted(names, key=lambda name: -(shown[name][-1][1] or math.inf))):
        points = [at(size, cost) for size, cost in shown[name] if cost]
        if not points:
            continue
        colour = "#c00" if name.startswith("Partials") else f"hsl({200 + 37 * rank % 120}, 45%, 45%)"
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = points[-1][1]
        label_y = max([y + 4, *(end + 13 for end in ends if abs(end - y) < 200 and end + 13 > y + 4)])  # noqa: PLR2004 - pixels
        ends.append(label_y)
        parts.append(f'<text x="{left + width + 8}" y="{label_y:.0f}" fill="{colour}">{name}</text>')
    path.write_text("\n".join([*parts, "</g></svg>"]) + "\n")


def main() -> None:
    """Measure, print, draw."""
    description = "Measure what a fragment costs Partials and its peers, in microseconds of CPU time."
    parser = argparse.ArgumentParser(prog="python -m bench.partials", description=description)
    parser.add_argument("--quick", action="store_true", help="4 and 16 characters; fewer of the slowest")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the plot there")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(_one(options.one)))
        return
    peers = [name for name in ("pydantic", "jiter", "jsonriver", "ijp", "ijson", "instructor") if _installed(name)]
    print(
        f"CPython {sys.version.split()[0]}, "
        + ", ".join(f"{name} {importlib.metadata.version(name)}" for name in peers)
    )
    figures = _table(options.quick)
    _printed(figures)
    first, later = _apart("first") or (math.nan, math.nan)
    print(f"\nconstruction and first feed: {first:,.0f} µs for a class's first answer, {later:,.0f} µs for later ones")
    print("\n| target | bound | measured | |\n|---|---|---|---|")
    for what, got, bound, more in _targets(figures):
        reached = got >= bound if more else got <= bound
        print(f"| {what} | {'≥' if more else '≤'} {bound} | {got:,.2f} | {'reached' if reached else 'not reached'} |")
    if options.plot:
        _plot(figures, options.plot)


def _installed(name: str) -> bool:
    return any(importlib.metadata.distributions(name=name))


if __name__ == "__main__":
    main()
