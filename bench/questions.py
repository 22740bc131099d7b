"""What the programs under measurement are asked, and what the model answers."""

import json

from local.gateway.proxy_event import Request, proxy_event
from local.gateway.routes import STAGE

from .chain import WORDS, Question, Reply, frame


def question(size: int, cut: int, accept: str, interval: float = 0.0, *, as_tool: bool = False) -> Question:
    """Return a request for an answer of ``size`` bytes, which the model sends in fragments of ``cut`` characters.

    With ``as_tool``, the model writes it as the input of the tool ``json``, for a program that forces this tool.
    """
    words = " ".join(WORDS[at % len(WORDS)] for at in range(size // 4))
    answer = {"summary": words[: size - 70], "keywords": ["first", "second", "third"]}
    text = json.dumps(answer, separators=(",", ":"))  # as the function writes it in the format of complete JSON
    fragments = [text[at : at + cut] for at in range(0, len(text), cut)]
    deltas = [{"toolUse": {"input": each}} if as_tool else {"text": each} for each in fragments]
    frames = [frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": each}) for each in deltas]
    if as_tool:
        start = {"toolUse": {"toolUseId": "tooluse_1", "name": "json"}}
        frames[0] = frame("contentBlockStart", {"contentBlockIndex": 0, "start": start}) + frames[0]
    last = [
        frame("contentBlockStop", {"contentBlockIndex": 0}),
        frame("messageStop", {"stopReason": "tool_use" if as_tool else "end_turn"}),
        frame("metadata", {"usage": {"inputTokens": 12, "outputTokens": 500, "totalTokens": 512}, "metrics": {}}),
    ]
    return Question(_event(accept), [*frames, *last], [len(each) for each in fragments], interval)


def checked(reply: Reply, question: Question, accept: str) -> Reply:
    """Return the reply.

    Raises:
        RuntimeError: it is not a response with the answer.
    """
    size = len(reply.body)
    if size < question.ends[-1] or (accept == "text/plain" and size > question.ends[-1]):
        start = bytes(reply.body[:200])
        raise RuntimeError(
            f"A program must answer with {question.ends[-1]} bytes; got {size}, beginning with {start!r}."
        )
    return reply


def _event(accept: str) -> bytes:
    """Return the proxy event of API Gateway."""
    fields = [("Accept", accept), ("Content-Type", "application/json"), ("Host", "example.com")]
    body = json.dumps({"prompt": "Why?"}).encode()
    return json.dumps(proxy_event(Request("POST", f"/{STAGE}/stream", "", fields, body, "127.0.0.1", 443))).encode()
