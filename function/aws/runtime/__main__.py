"""The loop: wait for an invocation, stream the answer of the handler, let the stages run, and again.

What is done when the platform or a signal breaks in stands in docs/runtime.md.
"""

import gc
import json
import logging
import os
import sys
from collections.abc import Generator
from contextlib import closing

from ...stream.errors import Internal, StreamError
from ...stream.events import END_OF_BODY, Cut
from ..gateway import prelude
from ..logs import install_log
from ..termination import Terminated, Termination
from .answer import Answer
from .api import Invocation, RuntimeApi
from .context import Context
from .errors import NotTaken, RuntimeApiGone
from .loading import Handler, InitFailed, load

Body = Generator[bytes | Cut, None, None]

_log = logging.getLogger("function.aws.runtime")


def serve(api: RuntimeApi, handle: Handler, invocation: Invocation, termination: Termination) -> None:
    """Answer one invocation, then let the body finish: its stages run when the client has everything."""
    try:
        head, body = _opened(handle, invocation)
    except Exception as error:  # noqa: BLE001 - whatever it is, the platform is told and the loop goes on
        _log.exception("the handler failed")
        api.fail(invocation, error)
        return
    delivered = False
    try:
        with closing(api.answer(invocation, head)) as answer, termination.cuts(answer.cut):
            _deliver(body, answer)
        delivered = True
    except NotTaken as failure:
        _log.warning("the platform did not take the answer: %s", failure)
    finally:
        with termination.shelter():
            _finish(body, delivered=delivered)


def main() -> int:
    """Serve until the platform or a signal ends it; return the exit status."""
    request_id = install_log(os.environ)
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    termination = Termination()
    termination.install()
    try:
        try:
            handle = load(os.environ)
        except Exception as error:  # noqa: BLE001 - whatever it is, the platform is told
            _log.critical("the function cannot start: %s", error, exc_info=error)
            api.fail_to_start(
                error.kind if isinstance(error, InitFailed) else f"Function.{type(error).__name__}", error
            )
            return 1
        while True:
            invocation = api.next()
            request_id.current = invocation.id
            _set_trace(invocation.headers.get("Lambda-Runtime-Trace-Id"))
            serve(api, handle, invocation, termination)
    except RuntimeApiGone as error:
        _log.critical("the Runtime API is gone: %s", error)
        return 1
    except Terminated:
        return 0


def _opened(handle: Handler, invocation: Invocation) -> tuple[bytes, Body]:
    response = handle(json.loads(invocation.event), Context.of(invocation.id, invocation.headers, invocation.killed_at))
    try:
        return prelude(response), response.body
    except Exception:
        response.body.close()
        raise


def _deliver(body: Body, answer: Answer) -> None:
    try:
        error = _relay(body, answer)
    except NotTaken:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the client is told and the loop goes on
        _log.exception("the body failed")
        error = Internal()
    answer.end(error)


def _relay(body: Body, answer: Answer) -> StreamError | None:
    """Write the chunks up to the ending; return what cut them off."""
    for item in body:
        if isinstance(item, Cut):
            return item.error
        if item == END_OF_BODY:
            return None
        answer.write(item)
    return None


def _finish(body: Body, *, delivered: bool) -> None:
    try:
        with closing(body):
            if delivered:
                for _ in body:
                    pass
    except Exception:  # noqa: BLE001 - the client has its answer, and the loop goes on
        _log.exception("the body failed to finish")


def _set_trace(trace: str | None) -> None:
    """Tell botocore and Powertools the trace of this event, and no other's."""
    os.environ.pop("_X_AMZN_TRACE_ID", None)
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace


if __name__ == "__main__":
    exit_status = main()
    gc.freeze()  # nothing is worth collecting any more, and the platform waits for the process to end
    sys.exit(exit_status)
