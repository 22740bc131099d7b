"""Which paths the gateway serves: one route, or those that the deployed function reads from a file."""

import json
from collections.abc import Iterable

from ..lambda_.deployment import Deployment

STAGE, ROUTE = "v1", "stream"
ROUTES_VARIABLE = "LLM_ROUTES"
"""Names the file, as an absolute path or in the folder of the function; its JSON is an object of routes by name."""


def routes(deployment: Deployment) -> list[str]:
    """Return the names of the routes, in order.

    Raises:
        OSError: the function names a file that cannot be read.
        ValueError: the file is not JSON.
    """
    file = deployment.environment.get(ROUTES_VARIABLE) or "none"
    if file == "none":
        return [ROUTE]
    names: Iterable[str] = json.loads((deployment.root / "function" / file).read_text(encoding="utf-8"))
    return list(names)


def path(route: str) -> str:
    """Return the path of a route, its stage included."""
    return f"/{STAGE}/{route}"
