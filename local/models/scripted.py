"""Canned answers, for use without a model."""

import json
import time
from collections.abc import Iterator
from typing import Final

from ..bedrock import script
from ..bedrock.call import Call
from .sample import sample

PAUSE: Final = 0.02
"""Seconds between two fragments of a canned answer, so that it grows visibly."""


def canned(call: Call) -> list[script.Step]:
    """Return a canned answer: a prepared one for the default schema, and for any other schema an example."""
    fields = set((call.schema or {}).get("properties", ()))
    if fields == {"summary", "keywords"}:
        return script.load("happy")
    return script.complete_answer(json.dumps(sample(call.schema or {})))


def scripted(call: Call) -> Iterator[script.Step]:
    """Yield a canned answer step by step, at the speed of a model."""
    for step in canned(call):
        time.sleep(PAUSE)
        yield step
