"""The function is started once before anything is deployed: a typo in a module fails the preview, not a request."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pulumi

from ..bundle import Bundle
from ..bundle.cache import digest
from ..values import InvalidArgument, camel
from . import inspection

PLACEHOLDERS: Final = {"LLM_SINK": "log", "LLM_STORE": "none"}
"""In place of what only the deployment knows."""

LONGEST_START: Final = 60
"""Seconds; Lambda itself allows ten."""

_NOWHERE: Final = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def try_function(bundle: Bundle, environment: Mapping[str, pulumi.Input[str]]) -> None:
    """Start the function of ``bundle`` (made for this machine) with ``environment``, in a process of its own.

    The user's modules come first on its path, then the packages of the bundle; nothing of this program is on it.

    Raises:
        InvalidArgument: it would not start, or the model's API would refuse its schema.
        BundleError: its packages cannot be had for this machine.
    """
    variables = {**PLACEHOLDERS, **{name: text for name, text in environment.items() if isinstance(text, str)}}
    program = Path(inspection.__file__)
    tried = bundle.cache / f"tried-{digest({'bundle': bundle.digest(), 'program': program.read_bytes(), **variables})}"
    if not tried.exists():
        with tempfile.TemporaryDirectory() as tree:
            bundle.stage(Path(tree))
            complaint = _start(program, f"{tree}{os.pathsep}{bundle.wheels.collect()}", variables)
        if complaint:
            raise InvalidArgument(_in_keys(complaint))
        tried.touch()


def _start(program: Path, path: str, variables: Mapping[str, str]) -> str | None:
    """Return what is wrong, or None."""
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": path, **_NOWHERE, **variables}
    try:
        done = subprocess.run(  # noqa: S603 our own program
            [sys.executable, "-P", "-s", "-S", program],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_START,
        )
    except subprocess.TimeoutExpired:
        return f"The function does not start within {LONGEST_START} s: its modules wait for something at import."
    if done.returncode == 0:
        return None
    _, mark, sentence = done.stderr.rpartition(inspection.MARK)
    return sentence.strip() if mark else f"The function does not start:\n{done.stderr}"


def _in_keys(sentence: str) -> str:
    """Name the config keys where the function names its variables."""
    return re.sub(r"LLM_([A-Z_]+)", lambda found: camel(found[1].lower()), sentence)
