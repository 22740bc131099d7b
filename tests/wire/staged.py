"""Own stages of a user, well behaved and not. They write to the log, as a user's code may."""

import asyncio
import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256

from function.stream.record import Record
from tests.wire import stubborn

SECRET = "words of a stage"


class Own(Exception):
    """What a stage raises."""


def _write(**members: object) -> None:
    sys.stdout.write(json.dumps(members) + "\n")


def tell(record: Record) -> None:
    """Write what store and publish send, and what the stage itself is given."""
    times = record.timings
    _write(
        told=record.message(),
        id=record.request_id,
        outcome=record.outcome,
        status=record.status,
        error=[record.error_code, record.error_path, record.error_rule],
        caller=[record.caller.kind, record.caller.source_ip],
        traces=[record.traceparent, record.xray_trace_id],
        usage=record.usage and [record.usage.input_tokens, record.usage.output_tokens],
        ends_in_order=0 <= (times.first_event or 0) <= (times.first_chunk or 0) <= times.total,
        prompt=record.prompt and sha256(record.prompt.encode()).hexdigest(),
        answer=type(record.answer).__name__,
    )


def last(_: Record) -> None:
    _write(last=True)


def fail(_: Record) -> None:
    raise Own(SECRET)


def leave(_: Record) -> None:
    sys.exit(SECRET)


def interrupt(_: Record) -> None:
    raise KeyboardInterrupt(SECRET)


def cancel(_: Record) -> None:
    raise asyncio.CancelledError(SECRET)


def change(record: Record) -> None:
    record.prompt = SECRET  # type: ignore[misc]


def change_inside(record: Record) -> None:
    record.metadata["key"] = SECRET  # type: ignore[index]


def return_much(_: Record) -> Iterator[bytes]:
    return iter([bytes(100_000_000)])


def print_much(_: Record) -> None:
    for _line in range(10):
        sys.stdout.write(1_000_000 * "x" + "\n")


def sleep(_: Record) -> None:
    stubborn.sleep()


def work(_: Record) -> None:
    stubborn.work()


def swallow(_: Record) -> None:
    with suppress(BaseException):
        stubborn.sleep()


def swallow_and_sleep(_: Record) -> None:
    stubborn.insist()


def wait_briefly(_: Record) -> None:
    """Wait in the main thread for another one, as long as that takes to start."""
    has_begun = threading.Event()
    threading.Thread(target=has_begun.set).start()
    has_begun.wait()


def wait_in_c(_: Record) -> None:
    """Compute in C for hours: no signal breaks into it."""
    hashlib.pbkdf2_hmac("sha512", b"", b"", 2**31 - 1)


def with_two(_: Record, _more: object) -> None:
    """Is no stage: it takes two arguments."""


async def later(_: Record) -> None:
    """Is no stage yet: it is async."""
