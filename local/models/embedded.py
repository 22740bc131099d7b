"""A small base model in a process of its own: ``python -m local.models.embedded``."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ..bedrock.call import Call
from ..bedrock.script import Step
from .openai import ModelUnavailable, answer, options
from .prompt import limited, prompt_for, worked_examples

CONTEXT_TOKENS: Final = 8192
SLOTS: Final = 2
"""Requests that are answered at the same time."""
THREADS: Final = 2
GUIDANCE: Final = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""How the grammar allows white space: a small model would fill its token limit with it."""


class Embedded:
    """The small base model, in a process of its own."""

    def __init__(self, path: Path) -> None:
        """Start the process, which ends with this one, whatever happens. Call ``wait`` before the first answer."""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._completions = ""
        self._process = subprocess.Popen(  # noqa: S603 - this very module
            [sys.executable, "-m", "local.models.embedded", str(path)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
            text=True,
        )

    def wait(self) -> None:
        """Return once the model is loaded and has read the worked examples, which it then need not read again.

        Raises:
            ModelUnavailable: the process has ended.
        """
        assert self._process.stdout is not None  # noqa: S101 - it was started with a pipe
        url = self._process.stdout.readline().strip()
        if not url:
            self._process.wait()
            raise ModelUnavailable(f"the model did not start ({self._last_log_line()}).")
        self._completions = f"{url}/v1/completions"
        first = {"prompt": worked_examples(), "max_tokens": 1, "stream": True, "json_schema": {"type": "object"}}
        for _ in answer(self._completions, first, lambda _: None):
            pass

    def _last_log_line(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").split("\n")
        return next(filter(None, reversed(lines)), f"exit status {self._process.returncode}")

    def __call__(self, call: Call) -> Iterator[Step]:
        """Continue the worked examples with an answer."""
        prompt = prompt_for(call.body["messages"], call.schema or {})
        request = {"prompt": prompt, "repeat_penalty": 1.1, **options(call)}
        request["temperature"] = 0.3
        if call.schema is not None:
            request["json_schema"] = {**limited(call.schema), "x-guidance": GUIDANCE}
        yield from answer(self._completions, request, lambda choice: choice.get("text"))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _serve(path: str) -> None:
    """Run llama.cpp's server on a free loopback port, print its address, and end when standard input does."""
    import xllamacpp  # noqa: PLC0415 - only this process needs it, and not every platform has it

    parameters = xllamacpp.CommonParams()
    parameters.model.path, parameters.n_ctx, parameters.n_parallel = path, CONTEXT_TOKENS, SLOTS
    parameters.swa_full = True  # without it no request can reuse the beginning of another one
    parameters.cpuparams.n_threads = THREADS
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)  # noqa: T201 - what the parent waits for
    sys.stdin.read()
    os._exit(0)  # its threads would delay an orderly exit


if __name__ == "__main__":
    _serve(sys.argv[1])
