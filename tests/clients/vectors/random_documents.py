"""Writes responses with random documents, for a client that is not Python.

``python -m tests.clients.vectors.random_documents`` writes one JSON object per line: ``body`` has the pieces of the
response as JSON Lines, ``snapshots`` the object after each ``delta``, as the function has it.
"""

import json
import random
import sys
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

from function.partials import Partials
from function.stream.encoders import Encoder
from function.stream.events import Complete, Partial, Usage
from function.stream.negotiation import choose_format
from function.stream.record import Calls, Start
from tests.clients.vectors.vector import REQUEST_ID

COUNT: Final = 150
SEED: Final = 20_261_130
KEYS: Final = ("a", "b", "", "0", "1", "/", "~", "~1", "__proto__", "constructor", "length", "\u2028", "ü😀")
TEXTS: Final = ("", "x", "Pay per use.", '"\\', "\n\t\x00", "\x85\u2028\u2029", "ü", "😀", "</script>")
LEAVES: Final = (None, True, False, 0, -1, 10, 2.5, 1e-7, 2**53)
MOST_FRAGMENT: Final = 12
DEEPEST: Final = 4


def documents() -> Iterator[dict[str, Any]]:
    """Yield the responses."""
    chance = random.Random(SEED)  # noqa: S311 - the same documents each time
    for _ in range(COUNT):
        yield _response(json.dumps(_value(chance, DEEPEST), ensure_ascii=chance.random() < 1 / 2), chance)


def _value(chance: random.Random, depth: int) -> Any:
    match chance.randrange(5 if depth else 2):
        case 0:
            return chance.choice(LEAVES)
        case 1:
            return "".join(chance.choices(TEXTS, k=chance.randrange(4)))
        case 2:
            return [_value(chance, depth - 1) for _ in range(chance.randrange(4))]
        case _:
            return {key: _value(chance, depth - 1) for key in chance.sample(KEYS, chance.randrange(5))}


def _response(document: str, chance: random.Random) -> dict[str, Any]:
    calls = Calls()
    calls.add("anthropic.claude")
    encoder: Encoder = choose_format("application/jsonl").encoder(
        Start(REQUEST_ID, "anthropic.claude", 100, lambda: 400, 0.0, calls)
    )
    partials: Partials[Any] = Partials(Any)
    body, snapshots = [encoder.opening()], []
    text = document + " "  # after which a number has ended
    while text:
        size = chance.randint(1, MOST_FRAGMENT)
        fragment, text = text[:size], text[size:]
        if event := encoder.encode(Partial(fragment, partials.feed(fragment), partials)):
            body.append(event)
            snapshots.append(deepcopy(partials.snapshot))
    body.append(encoder.complete(Complete(partials.finish(), "end_turn", Usage(1, 1), 1)))
    return {"body": [piece.decode() for piece in body], "snapshots": snapshots}


if __name__ == "__main__":
    for response in documents():
        sys.stdout.write(f"{json.dumps(response)}\n")
