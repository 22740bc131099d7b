"""``python -m local.demo``: one request through the whole chain, its answer as it grows, and the stages' log lines."""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the modules below are imported prints no traceback

import json
import shlex
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from .cli import Options, file, parse_options, run, shared_parser, utf8_text
from .example import example_request
from .growing import show_answer
from .launch import launch
from .lines import curl, readable
from .resources import Resources
from .terminal import Terminal, printable
from .twin import Twin

PROMPT: Final = "What is serverless computing?"
SERVED_AT: Final = "http://127.0.0.1:8000"
"""Where ``make serve`` answers, unless the port is taken."""
SHOWN: Final = 500
"""Characters of the request that are shown at most: it can carry files."""
FORMAT: Final = "application/jsonl"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo and end the process: with status 0 if the answer is complete."""
    description = "Start the local stack, send one request to each route, and show the answer and the function's log."
    parser = shared_parser("python -m local.demo", description)
    what = parser.add_mutually_exclusive_group()
    default = f"the example of the request class; where it has none: {PROMPT}"
    what.add_argument("--prompt", type=utf8_text, help=f"the prompt to send; default: {default}")
    what.add_argument("--body", metavar="FILE", type=file, help="a file with the request to send, as JSON")
    options = parse_options(parser, arguments)

    def demo(terminal: Terminal, resources: Resources) -> int:
        twin, sentence = launch(options, resources, terminal)
        terminal.line(f"The endpoint runs on this machine. {sentence}")
        examples = {route: _example(twin, route, options, resources) for route in twin.urls}
        status = max([_ask(twin, route, _body(options, examples[route]), terminal) for route in twin.urls])
        if status == 0:
            first = next(iter(twin.urls))
            data = f"@{options.body}" if options.body else examples[first]
            url = SERVED_AT + urlsplit(twin.urls[first]).path
            terminal.write(f"\nNext: {_serve(options)}, and in another terminal\n  {curl(url, data)}\n")
        return status

    run(demo)


def _serve(options: Options) -> str:
    """Return the command that serves with the same options."""
    values = {
        "SCHEMA": options.schema,
        "CODE": options.code and str(options.code),
        "CONFIG": options.config and str(options.config),
        "MODEL_URL": options.model_url,
        "MODEL": options.model,
        "BEDROCK": "aws" if options.real_bedrock else None,
    }
    return " ".join(["make serve", *(f"{name}={shlex.quote(value)}" for name, value in values.items() if value)])


def _example(twin: Twin, route: str, options: Options, resources: Resources) -> str | None:
    if options.prompt or options.body:
        return None
    return example_request(twin.function.deployment, route, resources)


def _body(options: Options, example: str | None) -> bytes:
    if options.body:
        return options.body.read_bytes()
    return (example or json.dumps({"prompt": options.prompt or PROMPT}, ensure_ascii=False)).encode()


def _ask(twin: Twin, route: str, body: bytes, terminal: Terminal) -> int:
    text = body.decode(errors="replace").strip()
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(body):,} bytes)"
    terminal.write(f"\nPOST {twin.urls[route]} {printable(shown)}\n\n")
    with twin.post(body, FORMAT, route=route) as reply:
        with terminal.waiting("Waiting for the answer", at_once=False):
            reply.wait()
        is_complete = show_answer(reply, terminal)
    terminal.line("")
    twin.function.wait_until_idle()  # the stages run after the last byte
    while twin.function.output:
        if line := readable(twin.function.output.popleft()):
            terminal.line(line)
    return 0 if is_complete else 1


if __name__ == "__main__":
    main()
