"""A host of ``function.handler.handle`` that knows nothing of Lambda's Runtime API, nor of ``function/aws/runtime``.

It connects once per invocation, reads the event as a line, and writes the head as a line and the body in chunks.
"""

import json
import os
import socket
from contextlib import closing, suppress

from function.aws.termination import Terminated, Termination
from function.handler import handle
from function.stream.events import END_OF_BODY, Cut


class Context:
    aws_request_id = "invocation-2"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def serve(event: object, client: socket.socket, termination: Termination) -> None:
    response = handle(event, Context())
    is_delivered = False
    try:
        client.sendall(json.dumps([response.status, dict(response.headers)]).encode() + b"\n")
        for item in response.body:
            if isinstance(item, Cut):
                break
            client.sendall(b"%x\r\n%b\r\n" % (len(item), item))
            if item == END_OF_BODY:  # which was just sent as the last chunk
                break
        client.shutdown(socket.SHUT_WR)
        is_delivered = True
    finally:
        with termination.shelter(), closing(response.body) as body:
            if is_delivered:
                for _ in body:
                    pass


termination = Termination()
termination.install()
with suppress(Terminated):
    while True:
        with socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))) as client, client.makefile() as lines:
            serve(json.loads(lines.readline()), client, termination)
