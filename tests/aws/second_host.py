"""A host of ``handle`` that knows nothing of Lambda's Runtime API: event and head are lines, the body is in chunks."""

import json
import os
import socket
from contextlib import suppress
from types import SimpleNamespace

from function.aws.termination import Terminated, Termination
from function.handler import handle
from function.stream.events import Cut

context = SimpleNamespace(aws_request_id="invocation-2", get_remaining_time_in_millis=lambda: 60_000)
termination = Termination()
termination.install()
with suppress(Terminated):
    while True:
        with socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))) as client, client.makefile() as lines:
            response = handle(json.loads(lines.readline()), context)
            try:
                client.sendall(json.dumps([response.status, dict(response.headers)]).encode() + b"\n")
                while (item := next(response.body)) and not isinstance(item, Cut):
                    client.sendall(b"%x\r\n%b\r\n" % (len(item), item))
                client.sendall(b"" if isinstance(item, Cut) else b"0\r\n\r\n")
                client.shutdown(socket.SHUT_WR)
                with termination.shelter():
                    next(response.body, None)  # runs the stages
            finally:
                with termination.shelter():
                    response.body.close()
