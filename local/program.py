"""Programs that import the user's modules, each in a process of its own, and write down what they find there."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .cli import WrongOption
from .configuration import Configuration, read_configuration
from .lambda_.deployment import Deployment
from .resources import Resources, child
from .twin import CHECKOUT, routes_variable, task_root


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


def configured(
    code: Path | None, config: Path | None, environment: Mapping[str, str], resources: Resources
) -> Deployment:
    """Return a function that runs elsewhere, with the variables and the modules that it has there.

    It has the modules of the folder ``code`` and the configuration in the file ``config``; the ``LLM_`` variables in
    ``environment`` replace what the file says.

    Raises:
        WrongOption: the file cannot be used.
    """
    configuration = read_configuration(config) if config else Configuration()
    code = code or configuration.code
    of_shell = {name: value for name, value in environment.items() if name.startswith("LLM_")}
    root = resources.hold(lambda: task_root(code)) if code else CHECKOUT
    of_routes = resources.hold(lambda: routes_variable(configuration.routes))
    return Deployment(root, {**configuration.variables, **of_routes, **of_shell})
