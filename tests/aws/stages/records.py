"""Records as the pipeline leaves them, and the lines that stages write."""

import io
import json
import uuid
from typing import Any

from aws_lambda_powertools import Logger

from function.contract import Outcome
from function.stream.errors import StreamError
from function.stream.events import Stop, Usage, Verdict
from function.stream.record import Calls, Content, Progress, PromptContent, Record, Start, finished

CANARY = "canary-7f3a"
START_FIELDS = {*Start._fields}


def record(
    outcome: Outcome = Outcome.COMPLETED,
    *,
    capture_content: bool = False,
    stage_content: bool = False,
    error: StreamError | None = None,
    answer: object = None,
    **values: Any,
) -> Record:
    """Return the finished record of a request whose prompt and answer hold the canary.

    ``values`` are fields of its start or of its progress.
    """
    calls = Calls()
    calls.add("model-1")
    start: dict[str, Any] = {
        "id": "req-1",
        "model_id": "model-1",
        "max_tokens": 100,
        "elapsed": lambda: 41,
        "began_at": 0.0,
        "calls": calls,
        "gateway_request_id": "gateway-1",
        "extended_request_id": "JJbxmplHYosFVYQ=",
        "route": "invoice",
        "field_names": frozenset({"summary", "keywords"}),
        "media_type": "text/plain; charset=utf-8",
        "content": Content(captured=capture_content, shown=stage_content),
        "prompt": PromptContent(f"tell me of {CANARY}"),
        **{name: values.pop(name) for name in START_FIELDS & values.keys()},
    }
    answer = {"summary": CANARY} if answer is None else answer
    written = {"text": [answer]} if isinstance(answer, str) else {"value": answer}
    progress: dict[str, Any] = {
        "outcome": error.outcome if error else outcome,
        "error": error,
        "status": 200,
        "attempts": 1,
        "stop": Stop("end_turn", Verdict.GOOD),
        "usage": Usage(12, 34),
        "characters": 28,
        "chunk_count": 1,
        "byte_count": 9,
        "first_event_ms": 38,
        "first_chunk_ms": 39,
        "last_chunk_ms": 40,
        **written,
    }
    return finished(Start(**start), Progress(**{**progress, **values}))


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
