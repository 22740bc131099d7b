"""Programs that import the user's modules, each in a process of its own, and write down what they find there."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from .cli import WrongOption
from .lambda_.deployment import Deployment
from .resources import Resources, child


class Program(NamedTuple):
    """A program that writes a JSON object into a file. It gets the file's path and further arguments."""

    subject: str
    """What cannot be loaded if the program ends too early, as the subject of a sentence: ``The classes``."""
    command: tuple[str, ...]
    """What starts it: the arguments of Python."""
    packages: tuple[Path, ...] = ()
    """Folders with packages that it imports, beside those of the function."""


def find(program: Program, deployment: Deployment, resources: Resources, *arguments: str) -> dict[str, Any]:
    """Run a program with the variables and the modules of the function; return the JSON object that it writes.

    Raises:
        WrongOption: the object's member ``error`` says what is wrong, or the process has ended before it wrote one.
    """
    with resources.during(lambda: tempfile.TemporaryDirectory(prefix="found-")) as folder:
        file = Path(folder) / "found.json"
        command = [deployment.python, "-P", *program.command, str(file), *arguments]
        path = os.pathsep.join(map(str, (deployment.root, *program.packages)))
        options: dict[str, Any] = {
            "env": {**deployment.environ(""), "PYTHONPATH": path},
            "cwd": folder,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.PIPE,
            "text": True,
        }
        with resources.during(lambda: child(command, **options)) as process:
            _, complaint = process.communicate()
        if not file.exists():
            raise WrongOption(f"{program.subject} cannot be loaded: {complaint or 'the process has ended'}")
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if "error" in found:
        raise WrongOption(found["error"])
    return found
