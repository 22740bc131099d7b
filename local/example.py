"""What to send to an endpoint: the example of its request class, which the function itself reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .gateway.routes import ROUTES_VARIABLE
from .lambda_.deployment import Deployment
from .program import Program, configured, find
from .resources import Resources

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
    """Return the same for a function that runs elsewhere, as ``configured`` describes it.

    Raises:
        WrongOption: as above, or the file ``config`` cannot be used.
    """
    return example_request(configured(code, config, environment, resources), route, resources)
