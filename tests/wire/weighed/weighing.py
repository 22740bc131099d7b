"""The user's request class of a function that weighs itself: asked to, it writes to the log what its process holds."""

import gc
import json
import os
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Final, Self

from botocore.awsrequest import AWSHTTPConnection
from pydantic import model_validator

from function import schema

WEIGH: Final = "Weigh yourself."
STATUS: Final = Path("/proc/self/statm")


class Request(schema.Request):
    """The default request; with the prompt ``WEIGH`` it is weighed while it is read, before the model is asked."""

    @model_validator(mode="after")
    def weigh(self) -> Self:
        """Write one line: the numbers of what the process holds, and the kilobytes that are resident."""
        if self.prompt == WEIGH:
            sys.stdout.write(json.dumps({"weight": _weight()}) + "\n")
        return self


def _weight() -> dict[str, object]:
    gc.collect()
    blocks = sys.getallocatedblocks()
    kinds = Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())
    idle = sum(isinstance(each, AWSHTTPConnection) and each.sock is not None for each in gc.get_objects())
    pages = int(STATUS.read_text().split()[1]) if STATUS.exists() else 0
    return {
        "process": os.getpid(),
        "objects": kinds.total(),
        "blocks": blocks,
        "threads": threading.active_count(),
        "descriptors": len(list(Path("/dev/fd").iterdir())) - idle,
        "idle connections": idle,
        "resident": pages * os.sysconf("SC_PAGE_SIZE") // 1024,
        "kinds": kinds,
    }
