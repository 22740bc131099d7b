"""``python -m openapi``: writes the OpenAPI documents of an endpoint with the user's classes."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from local.cli import Parser, WrongOption, modules_folder, run
from local.configuration import Configuration, read_configuration
from local.lambda_.deployment import Deployment
from local.resources import Resources
from local.terminal import Terminal
from local.twin import CHECKOUT, routes_variable, task_root

PROGRAM: Final = Path(__file__).with_name("document.py")
CLIENT: Final = CHECKOUT / "clients" / "python"
DEFAULT: Final = CHECKOUT / "dist"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the documents and end the process: with status 1 and a sentence if an option cannot be used."""
    description = "Write the OpenAPI documents of an endpoint, for versions 3.2 and 3.1, as openapi-VERSION.json."
    parser = Parser(prog="python -m openapi", description=description, allow_abbrev=False)
    parser.add_argument("--schema", metavar="MODULE:CLASS", help="the Pydantic class of the answer")
    parser.add_argument("--code", metavar="FOLDER", type=modules_folder, help="the folder that contains that module")
    parser.add_argument("--config", metavar="FILE", type=Path, help="a stack's configuration, as YAML or JSON")
    parser.add_argument(
        "--to", metavar="FOLDER", type=Path, default=DEFAULT, help="the folder to write to; default: dist"
    )
    given = parser.parse_args(arguments)

    def write(terminal: Terminal, _resources: Resources) -> int:
        documents = described(given.schema, given.code, given.config, os.environ)
        given.to.mkdir(parents=True, exist_ok=True)
        for version, document in documents.items():
            file = given.to / f"openapi-{version.rpartition('.')[0]}.json"
            file.write_text(f"{json.dumps(document, indent=2, ensure_ascii=False)}\n", encoding="utf-8")
            terminal.line(f"Wrote {os.path.relpath(file)}.")
        return 0

    run(write)


def described(
    schema: str | None, code: Path | None, config: Path | None, environment: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the documents by their versions of OpenAPI.

    ``schema`` names the answer's class in the folder ``code``; ``config`` is a file with the configuration of a stack.
    The ``LLM_`` variables in ``environment`` replace what the file says.

    Raises:
        WrongOption: one of them cannot be used.
    """
    configuration = read_configuration(config) if config else Configuration()
    code = code or configuration.code
    of_shell = {name: value for name, value in environment.items() if name.startswith("LLM_")}
    of_schema = {"LLM_SCHEMA": schema} if schema else {}
    root_of_code = task_root(code) if code else nullcontext(CHECKOUT)
    with root_of_code as root, routes_variable(configuration.routes) as of_routes:
        return _found(Deployment(root, {**configuration.variables, **of_routes, **of_shell, **of_schema}))


def _found(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Return what the program finds in a process of its own, with the variables and the modules of the function."""
    with tempfile.TemporaryDirectory(prefix="openapi-") as folder:
        file = Path(folder) / "found.json"
        path = os.pathsep.join(map(str, (deployment.root, CLIENT)))
        done = subprocess.run(  # noqa: S603 - the program beside this one
            [deployment.python, "-P", PROGRAM, file],
            env={**deployment.environ(""), "PYTHONPATH": path},
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if not file.exists():
            raise WrongOption(f"The classes cannot be loaded: {done.stderr or 'their process has ended'}")
        found = json.loads(file.read_text(encoding="utf-8"))
    if "error" in found:
        raise WrongOption(found["error"])
    documents: dict[str, dict[str, Any]] = found["documents"]
    return documents


if __name__ == "__main__":
    main()
