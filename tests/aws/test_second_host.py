"""What has to outlive our runtime does: another host serves the handler, from a copy without ``aws/runtime``."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.bedrock.script import Fragment, Hang, complete_answer
from local.bedrock.server import Bedrock
from tests.formats import FORMATS, LINES, RAW, SSE, WHOLE
from tests.wire.chain import Records

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
"""Seconds after which a test gives up; no assertion depends on it."""
DOCUMENT = '{"summary": "s", "keywords": ["k"]}'


@dataclass
class Host:
    """The second host as a process, and what it is connected to."""

    bedrock: Bedrock
    records: Records
    listener: socket.socket
    process: subprocess.Popen[bytes]

    def invoke(self, accept: str) -> "Invocation":
        """Send an event to the host, which waits for one."""
        client, _ = self.listener.accept()
        client.settimeout(PATIENCE)
        event = {
            "resource": "/stream",
            "httpMethod": "POST",
            "headers": {"Accept": accept},
            "body": '{"prompt": "Why?"}',
            "requestContext": {"requestId": f"request for {accept}"},
        }
        client.sendall(json.dumps(event).encode() + b"\n")
        return Invocation(client)

    def end_when_idle(self) -> None:
        """Send SIGTERM when the host asks for the next event."""
        client, _ = self.listener.accept()
        with client:
            self.process.terminate()
            self.process.wait(PATIENCE)

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of the log stage of a host that has been asked to end."""
        out, err = self.process.communicate(timeout=PATIENCE)
        assert (self.process.returncode, err) == (0, b"")
        return [line for line in map(json.loads, out.splitlines()) if line.get("stage") == "log"]


class Invocation:
    """One event, and the response to it."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._file = client.makefile("rb")
        self.status, self.headers = json.loads(self._file.readline())

    def chunk(self) -> bytes:
        """Return the next chunk; the last one is empty."""
        size = int(self._file.readline(), 16)
        return self._file.read(size + 2)[:-2]

    def body(self) -> bytes:
        """Return the body up to its last chunk."""
        return b"".join(iter(self.chunk, b""))

    def rest(self) -> bytes:
        """Return what comes until the host closes its side."""
        rest = self._file.read()
        self._file.close()
        self._client.close()
        return rest


@pytest.fixture
def host(bedrock: Bedrock, tmp_path: Path) -> Iterator[Host]:
    """The second host, started from a copy of the function without our runtime."""
    left_out = shutil.ignore_patterns("runtime", "bootstrap", "__pycache__")
    shutil.copytree(ROOT / "function", tmp_path / "function", ignore=left_out)
    assert not (tmp_path / "function" / "aws" / "runtime").exists()
    records = Records()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("second_host.py"))],
            env={
                "PYTHONPATH": str(tmp_path),
                "PORT": str(listener.getsockname()[1]),
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock.url,
                "AWS_ENDPOINT_URL_DYNAMODB": records.variables["AWS_ENDPOINT_URL_DYNAMODB"],
                "LLM_STORE": records.variables["store"],
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "eu-west-1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        yield Host(bedrock, records, listener, process)
        process.kill()
        process.communicate()
    records.close()


def test_another_host_serves_all_four_formats(host: Host) -> None:
    host.bedrock.play(complete_answer(DOCUMENT))
    bodies = {}
    for accept in FORMATS:
        invocation = host.invoke(accept)
        assert invocation.status == 200
        assert invocation.headers["Content-Type"].startswith(accept)
        assert invocation.headers["X-Content-Type-Options"] == "nosniff"
        bodies[accept] = invocation.body()
        assert invocation.rest() == b""

    assert bodies[RAW].decode() == DOCUMENT
    assert json.loads(bodies[WHOLE]) == json.loads(DOCUMENT)
    assert json.loads(bodies[LINES].splitlines()[-1])["value"] == json.loads(DOCUMENT)
    assert b"event: complete" in bodies[SSE]
    host.end_when_idle()
    assert [line["outcome"] for line in host.log()] == ["completed"] * len(FORMATS)


def test_the_stages_run_after_the_last_byte_on_any_host(host: Host) -> None:
    """The store's call is held until the client has everything: a stage that came before would wait in vain."""
    has_everything = threading.Event()
    seen: list[bool] = []
    host.records.on_call = lambda: seen.append(has_everything.wait(2))
    host.bedrock.play(complete_answer(DOCUMENT))

    invocation = host.invoke(RAW)
    assert invocation.body().decode() == DOCUMENT
    assert invocation.rest() == b""
    has_everything.set()

    host.end_when_idle()
    assert [line["outcome"] for line in host.log()] == ["completed"]
    assert seen == [True]


def test_a_signal_in_mid_answer_leaves_the_record_on_any_host(host: Host) -> None:
    host.bedrock.play([Fragment('{"summary": "s'), Hang()])

    invocation = host.invoke(RAW)
    assert invocation.chunk()
    os.kill(host.process.pid, signal.SIGTERM)
    assert invocation.rest() == b""

    assert [line["outcome"] for line in host.log()] == ["cancelled"]
    [item] = [call["Item"] for call in host.records.stored]
    assert "cancelled" in json.dumps(item)
