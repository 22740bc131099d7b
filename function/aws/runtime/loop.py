"""The loop: get an invocation, stream the response of the handler, let the stages run, and begin again.

docs/runtime.md lists what happens when Lambda or a signal interrupts it.
"""

import gc
import logging
import os
from contextlib import closing

from ...contract import read_settings
from ...stream.errors import Internal, StreamError
from ...stream.events import END_OF_BODY, Cut
from .. import logs, output, trace, uncaught
from ..gateway import Response, prelude
from ..termination import Terminated, Termination
from .api import Invocation, RuntimeApi
from .context import Context
from .errors import ResponseNotAccepted, RuntimeApiFailed
from .event import read_event
from .loading import Handler, InitFailed, load
from .response import StreamedResponse

_log = logging.getLogger("function.aws.runtime")


def main() -> int:
    """Serve until Lambda or a signal ends the process; return the exit status."""
    output.install()  # before the log, whose handler keeps the stream that it finds
    logs.install(os.environ)
    uncaught.install()
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    termination = Termination()
    termination.install()
    try:
        try:
            from ..services import limit_services  # noqa: PLC0415 - if botocore is missing, Lambda gets a report

            limit_services(read_settings(os.environ).services)
            handle = load(os.environ)
        except Terminated:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, SystemExit included, Lambda gets a report
            _log.critical("the function cannot start: %s", error, exc_info=error)
            kind = error.kind if isinstance(error, InitFailed) else f"Function.{type(error).__name__}"
            api.report_init_error(kind, error)
            return 1
        own_stages = read_settings(os.environ).seconds_of_own_stages
        gc.freeze()  # no collection looks through what init has made: that would take longer than a short answer
        gc.enable()
        while True:
            termination.check()
            invocation = api.next(own_stages)
            logs.running.begins(invocation.id)
            _set_trace(invocation.headers.get("Lambda-Runtime-Trace-Id"))
            serve(api, handle, invocation, termination)
    except RuntimeApiFailed as error:
        _log.critical("the Runtime API failed: %s", error)
        return 1
    except Terminated:
        return 0


def serve(api: RuntimeApi, handle: Handler, invocation: Invocation, termination: Termination) -> None:
    """Send the response of one invocation, then pull the body to its end: there its stages run."""
    try:
        head, response = _begun(handle, invocation)
    except RuntimeApiFailed:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, Lambda gets a report and the loop goes on
        _log.exception("the handler failed")
        api.report_invocation_error(invocation, error)
        return
    is_delivered = False
    try:
        with closing(api.respond(invocation, head)) as stream, termination.disconnecting(stream.disconnect):
            _deliver(response, stream)
        is_delivered = True
    except ResponseNotAccepted as failure:
        _log.warning("Lambda stopped accepting the response: %s", failure)
    finally:
        with termination.shelter():
            _finish(response, is_delivered=is_delivered)


def _begun(handle: Handler, invocation: Invocation) -> tuple[bytes, Response]:
    """Call the handler and return the prelude of its response, and the response."""
    context = Context.of(invocation.id, invocation.headers, invocation.killed_at)
    response = handle(read_event(invocation.take_event()), context)
    try:
        return prelude(response), response
    except Exception:
        response.body.close()
        raise


def _deliver(response: Response, stream: StreamedResponse) -> None:
    """Send the body and its ending."""
    try:
        error = _send_chunks(response, stream)
    except ResponseNotAccepted:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the client sees a cut and the loop goes on
        _log.exception("the response body failed")
        error = Internal()
    stream.end(error)


def _send_chunks(response: Response, stream: StreamedResponse) -> StreamError | None:
    """Send the chunks up to the ending; return the error that cut the body, if one did."""
    for item in response.body:
        if isinstance(item, Cut):
            return item.error
        if item == END_OF_BODY:
            return None
        stream.send(item)
    return None


def _finish(response: Response, *, is_delivered: bool) -> None:
    """Run the stages: those of a delivered response follow its ending, and those of any other run on closing."""
    try:
        with closing(response.body) as body:
            if is_delivered:
                for _ in body:
                    pass
    except Exception:  # noqa: BLE001 - the client has its response, and the loop goes on
        _log.exception("the response body failed after its last chunk")


def _set_trace(value: str | None) -> None:
    """Let botocore and Powertools send the trace id of this invocation and of no other."""
    os.environ.pop(trace.VARIABLE, None)
    if value:
        os.environ[trace.VARIABLE] = value
