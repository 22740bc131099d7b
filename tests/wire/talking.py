"""Own code that logs wherever it runs. The message says where; the answer's validator logs from a thread of its own."""

import asyncio
import logging
import threading
from typing import Annotated

from pydantic import AfterValidator, BaseModel

from function.endpoint import Call
from function.stream.record import Record

log = logging.getLogger(__name__)
log.warning("import")


def check_prompt(text: str) -> str:
    log.warning("request")
    if not text:
        raise ValueError
    return text


def check_summary(text: str) -> str:
    thread = threading.Thread(target=log.warning, args=("answer",))
    thread.start()
    thread.join()
    return text


class Request(BaseModel):
    """What the client sends."""

    words: Annotated[str, AfterValidator(check_prompt)]

    @property
    def prompt(self) -> str:
        log.warning("prompt")
        return self.words


class Answer(BaseModel):
    """What the model answers."""

    summary: Annotated[str, AfterValidator(check_summary)]
    keywords: list[str]


def stage(_: Record) -> None:
    try:
        {"": 0}["words of an exception"]
    except KeyError:
        log.exception("stage")


async def stage_async(record: Record) -> None:
    await asyncio.sleep(0)
    stage(record)


def prepare(request: Request, _: Call) -> str:
    log.warning("prepare")
    return request.words


async def prepare_async(request: Request, call: Call) -> str:
    await asyncio.sleep(0)
    return prepare(request, call)
