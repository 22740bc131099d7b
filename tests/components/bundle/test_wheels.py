"""The bundle has what the function calls."""

import ast
from pathlib import Path

from components.contract import SERVICES

FUNCTION = Path(__file__).parents[3] / "function"


def clients_of(source: str) -> set[str]:
    """Return the names of the services that a source makes clients of."""
    return {
        ast.unparse(node.args[0]).strip("'")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"client", "create_client"}
    }


def test_the_bundle_describes_every_service_that_the_function_calls() -> None:
    """Here botocore has all descriptions; without one of them the function does not start on Lambda."""
    called = {service for file in FUNCTION.rglob("*.py") for service in clients_of(file.read_text())}

    assert called >= {"bedrock-runtime", "dynamodb", "sns"}
    assert called <= set(SERVICES)
