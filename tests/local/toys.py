"""Toy functions that speak the Runtime API by hand: each test writes what its function does with an event."""

import sys
import textwrap
from pathlib import Path

from local.lambda_.deployment import Deployment

PRELUDE = b'{"statusCode":200,"headers":{"Content-Type":"text/plain"}}' + bytes(8)

LIBRARY = """\
#!{python} -SE
import http.client, json, os, sys, time

API, RUNTIME = os.environ["AWS_LAMBDA_RUNTIME_API"], "/2018-06-01/runtime"
STREAMING = "application/vnd.awslambda.http-integration-response"
PRELUDE = {prelude!r}

def call(method, path, body=None, **fields):
    connection = http.client.HTTPConnection(API)
    headers = {{name.replace("_", "-"): value for name, value in fields.items()}}
    connection.request(method, RUNTIME + path, body, headers)
    response = connection.getresponse()
    return response.status, response.headers, response.read()

def next_event():
    status, headers, body = call("GET", "/invocation/next")
    if status != 200:
        sys.exit(f"next: {{status}}")
    return headers["Lambda-Runtime-Aws-Request-Id"], headers, json.loads(body)

class Response:
    def __init__(self, id, content_type=STREAMING, mode="streaming", trailer="Lambda-Runtime-Function-Error-Type"):
        self.connection = http.client.HTTPConnection(API)
        self.connection.putrequest("POST", f"{{RUNTIME}}/invocation/{{id}}/response")
        self.connection.putheader("Content-Type", content_type)
        self.connection.putheader("Lambda-Runtime-Function-Response-Mode", mode)
        self.connection.putheader("Transfer-Encoding", "chunked")
        if trailer:
            self.connection.putheader("Trailer", trailer)
        self.connection.endheaders()

    def chunk(self, data):
        self.connection.send(b"%x\\r\\n%s\\r\\n" % (len(data), data))

    def end(self, trailers=b""):
        self.connection.send(b"0\\r\\n" + trailers + b"\\r\\n")
        return self.accepted()

    def accepted(self):
        response = self.connection.getresponse()
        return response.status, response.read()

def answer(id, *chunks, trailers=b""):
    response = Response(id)
    for chunk in (PRELUDE, *chunks):
        response.chunk(chunk)
    return response.end(trailers)

def write(text):
    print(text, flush=True)

"""


def deployed(folder: Path, program: str, **fields: object) -> Deployment:
    """Return a deployment whose function is ``program``, written with the names of the library above."""
    bootstrap = folder / "bootstrap"
    library = LIBRARY.format(python=sys.executable, prelude=PRELUDE)
    bootstrap.write_text(library + textwrap.dedent(program))
    bootstrap.chmod(0o755)
    return Deployment(folder, **fields)  # type: ignore[arg-type]  # each test names fields of its own


def echoing(folder: Path, program: str, **fields: object) -> Deployment:
    """Return a deployment that does the same with each event: ``program`` sees ``id``, ``headers`` and ``event``."""
    loop = "while True:\n    id, headers, event = next_event()\n"
    return deployed(folder, loop + textwrap.indent(textwrap.dedent(program), "    "), **fields)
