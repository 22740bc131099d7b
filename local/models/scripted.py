"""Answers from a script, for when there is no model at all."""

import json
import time
from collections.abc import Iterator
from typing import Final

from ..bedrock import script
from ..bedrock.call import Call
from .sample import sample

PAUSE: Final = 0.02
"""Seconds between two pieces of a scripted answer, so that it is seen to grow."""


def scripted(call: Call) -> Iterator[script.Step]:
    """Answer a call from a script: the default schema's own, or a sample of whatever schema the call has."""
    fields = set((call.schema or {}).get("properties", ()))
    if fields == {"summary", "keywords"}:
        steps = script.load("happy")
    else:
        steps = script.complete_answer(json.dumps(sample(call.schema or {})))
    for step in steps:
        time.sleep(PAUSE)
        yield step
