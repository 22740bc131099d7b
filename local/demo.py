"""``python -m local.demo``: one prompt through the whole chain, its answer as it grows, and the stages' log lines."""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the modules below are imported prints no traceback

import codecs
import json
import shlex
from collections.abc import Sequence
from typing import Final

from .cli import Options, parse_options, run, shared_parser, utf8_text
from .client import End, Reply
from .launch import launch
from .lines import curl, readable
from .resources import Resources
from .terminal import Terminal, printable
from .twin import Twin

PROMPT: Final = "What is serverless computing?"
SERVED_AT: Final = "http://127.0.0.1:8000/v1/stream"
"""Where ``make serve`` answers, unless the port is taken."""
OK: Final = 200


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo and end the process: with status 0 if the answer is complete."""
    description = "Start the local stack, send one prompt, and show the answer and the function's log."
    parser = shared_parser("python -m local.demo", description)
    parser.add_argument("--prompt", type=utf8_text, default=PROMPT, help="the prompt to send; default: %(default)s")
    options = parse_options(parser, arguments)

    def demo(terminal: Terminal, resources: Resources) -> int:
        twin, sentence = launch(options, resources, terminal)
        terminal.line(f"The endpoint runs on this machine. {sentence}")
        status = _ask(twin, options.prompt or PROMPT, terminal)
        if status == 0:
            terminal.write(f"\nNext: {_serve(options)}, and in another terminal\n  {curl(SERVED_AT)}\n")
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


def _ask(twin: Twin, prompt: str, terminal: Terminal) -> int:
    body = json.dumps({"prompt": prompt}, ensure_ascii=False)
    terminal.write(f"\nPOST {twin.url} {printable(body)}\n\n")
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with twin.post({"prompt": prompt}) as reply:
        with terminal.waiting("Waiting for the answer", at_once=False):
            reply.wait()
        for chunk in reply.chunks():
            terminal.write(printable(decoder.decode(chunk)))
    terminal.write("\n\n")
    twin.function.wait_until_idle()  # the stages run after the last byte
    for line in filter(None, map(readable, twin.function.output)):
        terminal.line(line)
    return _judge(reply, terminal)


def _judge(reply: Reply, terminal: Terminal) -> int:
    if reply.status != OK:
        terminal.line(f"\nThe endpoint answered with status {reply.status}.")
    elif reply.end is not End.CLEAN:
        terminal.line("\nThe response was cut: the answer is incomplete.")
    else:
        return 0
    return 1


if __name__ == "__main__":
    main()
