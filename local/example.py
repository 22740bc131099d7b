"""What to send to an endpoint: the example of its request class, which the function itself reads."""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from .cli import WrongOption
from .configuration import Configuration, read_configuration
from .gateway.routes import ROUTES_VARIABLE
from .lambda_.deployment import Deployment
from .twin import CHECKOUT, routes_variable, task_root

VARIABLES: Final = ("LLM_REQUEST", ROUTES_VARIABLE)
"""The variables that name another request class than the default one, which takes a prompt and has no example."""


def example_request(deployment: Deployment, route: str) -> str | None:
    """Return the body of the example of a route; None if its request class has none and takes a prompt.

    Raises:
        WrongOption: the class takes no prompt and has no example, its example is wrong, or it cannot be loaded.
    """
    if not any(deployment.environment.get(name) for name in VARIABLES):
        return None
    with tempfile.TemporaryDirectory(prefix="example-") as folder:
        file = Path(folder) / "example.json"
        done = subprocess.run(  # noqa: S603 - the program of the function
            [deployment.python, "-P", "-m", "function.example", file, route],
            env={**deployment.environ(""), "PYTHONPATH": str(deployment.root)},
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if not file.exists():
            raise WrongOption(f"The request class cannot be loaded: {done.stderr or 'its process has ended'}")
        found = json.loads(file.read_text(encoding="utf-8"))
    if "error" in found:
        raise WrongOption(found["error"])
    example: str | None = found["request"]
    return example


def example_of(code: Path | None, config: Path | None, environment: Mapping[str, str], route: str) -> str | None:
    """Return the same for a function that runs elsewhere.

    It has the modules of the folder ``code`` and the configuration in the file ``config``; the ``LLM_`` variables in
    ``environment`` replace what the file says.

    Raises:
        WrongOption: as above, or the file cannot be used.
    """
    configuration = read_configuration(config) if config else Configuration()
    code = code or configuration.code
    of_shell = {name: value for name, value in environment.items() if name.startswith("LLM_")}
    root_of_code = task_root(code) if code else nullcontext(CHECKOUT)
    with root_of_code as root, routes_variable(configuration.routes) as of_routes:
        variables = {**configuration.variables, **of_routes, **of_shell}
        return example_request(Deployment(root, variables), route)
