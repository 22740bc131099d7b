"""``python -m openapi``: writes the OpenAPI documents of an endpoint with the user's classes."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from local.cli import Parser, WrongOption, modules_folder, run
from local.program import Program, configured, find
from local.resources import Resources
from local.terminal import Terminal
from local.twin import CHECKOUT

CLIENT: Final = CHECKOUT / "clients" / "python"
PROGRAM: Final = Program("The classes", (str(Path(__file__).with_name("document.py")),), (CLIENT,))
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

    def write(terminal: Terminal, resources: Resources) -> int:
        documents = described(given.schema, given.code, given.config, os.environ, resources)
        for file in written(documents, given.to):
            terminal.line(f"Wrote {os.path.relpath(file)}.")
        return 0

    run(write)


def written(documents: Mapping[str, Mapping[str, Any]], folder: Path) -> list[Path]:
    """Write the documents, which are named by their versions of OpenAPI, into ``folder``; return the files.

    Raises:
        WrongOption: they cannot be written there.
    """
    files = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for version, document in documents.items():
            files.append(folder / f"openapi-{version.rpartition('.')[0]}.json")
            files[-1].write_text(f"{json.dumps(document, indent=2, ensure_ascii=False)}\n", encoding="utf-8")
    except OSError as error:
        raise WrongOption(f"--to must be a folder in which you can write; got {str(folder)!r}: {error}") from error
    return files


def described(
    schema: str | None,
    code: Path | None,
    config: Path | None,
    environment: Mapping[str, str],
    resources: Resources,
) -> dict[str, dict[str, Any]]:
    """Return the documents by their versions of OpenAPI.

    ``schema`` names the answer's class in the folder ``code``; ``config`` is a file with the configuration of a stack.
    The ``LLM_`` variables in ``environment`` replace what the file says.

    Raises:
        WrongOption: one of them cannot be used.
    """
    of_schema = {"LLM_SCHEMA": schema} if schema else {}
    deployment = configured(code, config, {**environment, **of_schema}, resources)
    documents: dict[str, dict[str, Any]] = find(PROGRAM, deployment, resources)["documents"]
    return documents


if __name__ == "__main__":
    main()
