"""One prompt through the whole chain, on the screen: the answer as it grows, the stages, what to try next."""

import json
import os
import shlex
import threading
from contextlib import ExitStack

from .backend import Wish, start
from .client import End, Reply
from .screen import Progress, curl, readable, run, show
from .twin import Twin

PROMPT = "What is serverless computing?"
SERVED_AT = "http://127.0.0.1:8000/v1/stream"
"""Where ``make serve`` answers, unless the port is taken."""
SOON = 2.0
"""Seconds of silence that need no word."""
SAME_AGAIN = ("SCHEMA", "CODE", "MODEL_URL", "MODEL", "BEDROCK")
"""Options that ``make serve`` takes too."""
OK = 200


def main() -> int:
    """Run the demo; return 0 if the answer was whole."""
    progress = Progress()
    with ExitStack() as stack:
        twin, who = start(Wish.of(os.environ), stack, progress)
        progress.note(f"The endpoint runs on this machine. {who}")
        code = _ask(twin, os.environ.get("PROMPT") or PROMPT, progress)
    if code == 0:
        options = [f"{name}={shlex.quote(os.environ[name])}" for name in SAME_AGAIN if os.environ.get(name)]
        show(f"\nNext: {' '.join(['make serve', *options])}, and in another terminal\n  {curl(SERVED_AT)}\n")
    return code


def _ask(twin: Twin, prompt: str, progress: Progress) -> int:
    show(f"\nPOST {twin.url} {json.dumps({'prompt': prompt}, ensure_ascii=False)}\n\n")
    waiting = threading.Timer(SOON, progress, ["Waiting for the first words"])
    waiting.start()
    with twin.post({"prompt": prompt}) as reply:
        reply.wait()
        waiting.cancel()
        waiting.join()
        progress.clear()
        for chunk in reply.chunks():
            show(chunk.decode(errors="replace"))
    show("\n\n")
    twin.function.settled()  # the stages run after the last byte
    for line in filter(None, map(readable, twin.function.output)):
        show(f"{line}\n")
    return _judge(reply)


def _judge(reply: Reply) -> int:
    if reply.status != OK:
        show(f"\nThe endpoint answered with status {reply.status}.\n")
    elif reply.end is not End.CLEAN:
        show("\nThe answer was cut off: what came is not whole.\n")
    else:
        return 0
    return 1


if __name__ == "__main__":
    run(main)
