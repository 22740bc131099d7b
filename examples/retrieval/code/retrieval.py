"""Answers questions about this project from its own pages, and names the passages that they are from."""

import re
from collections import Counter
from math import log
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo
from streaming_llm_api.endpoint import Call, Prompt, Refused

SHORTEST = 80  # characters of a passage
PASSAGES = {
    f"{page.stem}-{number}": " ".join(text.split())
    for page in sorted(Path(__file__).with_name("docs").glob("*.md"))
    for number, text in enumerate(page.read_text(encoding="utf-8").split("\n\n"))
    if len(text) > SHORTEST and text[0] not in "#|`<"
}
WORDS = {name: Counter(re.findall(r"\w+", text.lower())) for name, text in PASSAGES.items()}
MEAN = sum(words.total() for words in WORDS.values()) / len(WORDS)
CONTAIN = Counter(word for words in WORDS.values() for word in words)


def score(asked: set[str], words: Counter[str]) -> float:
    """Return how well a passage fits: BM25 (Robertson and Zaragoza, 2009) with k1 = 1.2 and b = 0.75."""
    length = 0.3 + 0.9 * words.total() / MEAN
    rarity = {word: log(1 + (len(WORDS) - CONTAIN[word] + 0.5) / (CONTAIN[word] + 0.5)) for word in asked}
    return sum(rarity[word] * words[word] * 2.2 / (words[word] + length) for word in asked)


class Question(BaseModel, json_schema_extra={"examples": [{"question": "Why is the last bracket withheld?"}]}):
    """What a client asks."""

    question: str = Field(min_length=1, max_length=500)


def prepare(request: Question, _call: Call) -> Prompt:
    """Give the model the three passages that fit best; the answer can name these alone."""
    asked = set(re.findall(r"\w+", request.question.lower()))
    best = sorted(WORDS, key=lambda name: score(asked, WORDS[name]), reverse=True)[:3]
    if not score(asked, WORDS[best[0]]):
        raise Refused("nothing_found", status=404, title="No passage has a word of the question.")
    passages = "\n\n".join(f"[{name}] {PASSAGES[name]}" for name in best)
    return Prompt(f"{passages}\n\n{request.question}", validation_context=set(best))


def known(source: str, info: ValidationInfo[set[str]]) -> str:
    """Refuse a source that the model was not given."""
    if source not in info.context:
        raise ValueError("The source is unknown.")
    return source


class Answer(BaseModel):
    """An answer from the passages alone."""

    text: str
    sources: list[Annotated[str, AfterValidator(known)]] = Field(min_length=1, description="Ids of the passages.")
