"""The list of endpoints that botocore reads in a sandbox: without services, of which the list of a bundle has few.

botocore parses the whole list before its first client, in a sixth of the time that a sandbox takes to start. It finds
the endpoints of the function's own services, where they are not those of stand-ins, by the name and the region too.
"""

import atexit
import importlib.util
import json
import shutil
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from .deployment import Deployment

VARIABLE = "AWS_DATA_PATH"
"""Names the folders in which botocore looks first."""
OTHER_SERVICES = "LLM_SERVICES"
"""Names the services that the user's modules call: their endpoints can have other names."""

_LOCK = threading.Lock()
"""Held while the list is written, so that local stacks that start at the same time share it."""


def without_services(deployment: Deployment) -> Mapping[str, str | None]:
    """Return the variable with which the function reads the short list.

    It has no value if botocore is not installed, if the user's modules call other services than the function itself
    does, and for an unpacked bundle, which has its own list.
    """
    has_own = (deployment.root / "botocore").exists() or deployment.environment.get(OTHER_SERVICES)
    if has_own:
        return {VARIABLE: None}
    with _LOCK:
        return {VARIABLE: _folder()}


@cache
def _folder() -> str | None:
    """Write the short list into a folder, which is removed when this process ends, and return its path."""
    botocore = importlib.util.find_spec("botocore")
    if botocore is None or botocore.origin is None:
        return None
    endpoints = json.loads(Path(botocore.origin).with_name("data").joinpath("endpoints.json").read_bytes())
    for partition in endpoints["partitions"]:
        partition["services"] = {}
    folder = tempfile.mkdtemp(prefix="endpoints-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Path(folder, "endpoints.json").write_text(json.dumps(endpoints), encoding="utf-8")
    return folder
