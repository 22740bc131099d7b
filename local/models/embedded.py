"""The small base model that this machine runs itself, in a process of its own: ``python -m local.models.embedded``."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ..bedrock.call import Call
from ..bedrock.script import Step
from .openai import ModelUnavailable, answer, options
from .prompt import limited, prompt_for, solved

CONTEXT: Final = 8192
SLOTS: Final = 2
THREADS: Final = 2
COMPACT: Final = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""Where white space is free, a small model fills its budget with it."""


class Embedded:
    """The small base model that this machine runs itself, in a process of its own."""

    def __init__(self, path: Path) -> None:
        """Start the process; it ends with this one, whatever happens.

        Raises:
            ModelUnavailable: it does not start.
        """
        with (path.parent / "server.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this very module
                [sys.executable, "-m", "local.models.embedded", str(path)],
                cwd=Path(__file__).parents[2],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                text=True,
            )
        assert self._process.stdout is not None  # noqa: S101 - it was started with a pipe
        url = self._process.stdout.readline().strip()
        self._completions = f"{url}/v1/completions"
        if not url:
            self.close()
            raise ModelUnavailable(f"The model does not start; {path.parent / 'server.log'} says why.")
        warm = {"prompt": solved(), "max_tokens": 1, "stream": True, "json_schema": {"type": "object"}}
        for _ in answer(self._completions, warm, lambda _: None):
            pass  # it has read the worked examples and made its table of tokens, and will not have to again

    def __call__(self, call: Call) -> Iterator[Step]:
        """Continue the worked examples with an answer."""
        request = {"prompt": prompt_for(call.prompt, call.schema or {}), "repeat_penalty": 1.1, **options(call)}
        request["temperature"] = 0.3
        if call.schema is not None:
            request["json_schema"] = {**limited(call.schema), "x-guidance": COMPACT}
        yield from answer(self._completions, request, lambda it: it.get("text"))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
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
    parameters.model.path, parameters.n_ctx, parameters.n_parallel = path, CONTEXT, SLOTS
    parameters.swa_full = True  # without it no request can begin where another one began
    parameters.cpuparams.n_threads = THREADS
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)  # noqa: T201 - what the parent waits for
    sys.stdin.read()
    os._exit(0)  # its threads need no farewell


if __name__ == "__main__":
    _serve(sys.argv[1])
