"""Records as the pipeline leaves them, and the lines that stages write."""

import io
import json
import uuid
from typing import Any

from aws_lambda_powertools import Logger

from function.contract import Outcome
from function.stream.events import Delta, Stop, Usage, Verdict
from function.stream.record import Record

CANARY = "canary-7f3a"


def record(outcome: Outcome = Outcome.COMPLETED, *, capture_content: bool = False, **fields: Any) -> Record:  # noqa: ANN401
    """Return the finished record of a request whose prompt and answer hold the canary."""
    made = Record(
        id="req-1",
        model_id="model-1",
        capture_content=capture_content,
        max_tokens=100,
        field_names=frozenset({"summary", "keywords"}),
        elapsed=lambda: 40,
        invocation_id="inv-1",
    )
    made.begin_attempt()
    made.media_type = "text/plain; charset=utf-8"
    made.hear(Delta(f'{{"summary": "{CANARY}"'))
    made.sent(b"x" * 9)
    made.hear(Stop("end_turn", Verdict.GOOD))
    made.hear(Usage(12, 34))
    made.concluded({"summary": CANARY})
    made.outcome = outcome
    made.status = 200
    made.total_ms = 41
    if capture_content:
        made.prompt = f"tell me of {CANARY}"
    for name, value in fields.items():
        setattr(made, name, value)
    return made


class Written:
    """A logger, and the lines that it wrote."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.logger = Logger(service=f"test-{uuid.uuid4()}", stream=self._stream, level="DEBUG", use_rfc3339=True)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]
