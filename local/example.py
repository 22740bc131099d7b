"""What to send to an endpoint: the example of its request class, which the function itself reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .configuration import Configuration, read_configuration
from .gateway.routes import ROUTES_VARIABLE
from .lambda_.deployment import Deployment
from .program import Program, find
from .resources import Resources
from .twin import CHECKOUT, routes_variable, task_root

PROGRAM: Final = Program("The request class", ("-m", "function.example"))
VARIABLES: Final = ("LLM_REQUEST", ROUTES_VARIABLE)
"""The variables that name another request class than the default one, which takes a prompt and has no example."""


def example_request(deployment: Deployment, route: str, resources: Resources) -> str | None:
    """Return the body of the example of a route; None if its request class has none and takes a prompt.

    Raises:
        WrongOption: the class takes no prompt and has no example, its example is wrong, or it cannot be loaded.
    """
    if not any(deployment.environment.get(name) for name in VARIABLES):
        return None
    example: str | None = find(PROGRAM, deployment, resources, route)["request"]
    return example


def example_of(
    code: Path | None, config: Path | None, environment: Mapping[str, str], route: str, resources: Resources
) -> str | None:
    """Return the same for a function that runs elsewhere.

    It has the modules of the folder ``code`` and the configuration in the file ``config``; the ``LLM_`` variables in
    ``environment`` replace what the file says.

    Raises:
        WrongOption: as above, or the file cannot be used.
    """
    configuration = read_configuration(config) if config else Configuration()
    code = code or configuration.code
    of_shell = {name: value for name, value in environment.items() if name.startswith("LLM_")}
    root = resources.hold(lambda: task_root(code)) if code else CHECKOUT
    of_routes = resources.hold(lambda: routes_variable(configuration.routes))
    deployment = Deployment(root, {**configuration.variables, **of_routes, **of_shell})
    return example_request(deployment, route, resources)
