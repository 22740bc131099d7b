"""An own stage: scores each answer and publishes the scores to an SNS topic, without a word of the answer."""

import json
import logging
import os
import re
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from streaming_llm_api.endpoint import Record

TOPIC = os.environ.get("SCORES_TOPIC")
"""The ARN of the topic. Without one, as on your own machine, the scores are a line of the log."""

_sns = boto3.client("sns", config=Config(connect_timeout=0.5, read_timeout=1, retries={"total_max_attempts": 1}))
_log = logging.getLogger(__name__)


def score(record: Record) -> None:
    """Publish how well the answer of a completed request fits its prompt."""
    if record.outcome != "completed" or record.prompt is None or not isinstance(record.answer, Mapping):
        return
    scores = _scores(record.prompt, record.answer)
    if TOPIC:
        _sns.publish(TopicArn=TOPIC, Message=json.dumps({"requestId": record.request_id, **scores}))
    else:
        _log.warning("scores: %s", json.dumps(scores))


def _scores(prompt: str, answer: Mapping[str, Any]) -> dict[str, float]:
    """Return scores from 0 to 1 for an answer of the default schema: how many words of one text are in another."""
    summary = _words(answer["summary"])
    return {
        "promptInSummary": _share(_words(prompt), summary),
        "keywordsInSummary": _share(_words(" ".join(answer["keywords"])), summary),
    }


def _words(text: str) -> set[str]:
    """Return the words of a text that have four letters or more: shorter ones say little."""
    return set(re.findall(r"\w{4,}", text.casefold()))


def _share(words: set[str], text: set[str]) -> float:
    return round(len(words & text) / len(words), 2) if words else 1.0
