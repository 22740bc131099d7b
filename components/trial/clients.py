"""Finds the clients of AWS services that the user's modules make, as far as their sources name the service."""

import ast
from collections.abc import Iterator
from typing import Final

from ..bundle import Bundle
from ..bundle.wheels import nearest
from ..contract import SERVICES

MAKERS: Final = frozenset({"client", "create_client", "resource"})
"""The functions of boto3 and the methods of sessions that make a client of the service in their first argument."""


def missing_services(bundle: Bundle) -> str | None:
    """Return an error message about the clients in the user's modules that the bundle does not describe, if any.

    The packages of the bundle must be collected.
    """
    known, described = bundle.wheels.known_services(), {*SERVICES, *bundle.services}
    places: dict[str, str] = {}
    for name, path in bundle.user_files():
        if path.suffix == ".py":
            for line, service, is_of_boto3 in _clients(path.read_bytes()):
                if service not in described and (is_of_boto3 or service in known):
                    places.setdefault(service, f"{name}:{line}")
    for service, place in places.items():
        if service not in known:
            return f"{place}: botocore has no AWS service {service!r}.{nearest(service, known)}"
    if not places:
        return None
    found = ", ".join(f"{service} ({place})" for service, place in places.items())
    return f"services must contain the AWS services of which your modules make clients; add {found}."


def _clients(source: bytes) -> Iterator[tuple[int, str, bool]]:
    """Yield the line and the service of each call that makes a client, and whether it surely is one of boto3's."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and (name := _service(node)) is not None:
            match node.func:
                case ast.Attribute(value=receiver, attr=maker) if maker in MAKERS:
                    yield node.lineno, name, isinstance(receiver, ast.Name) and receiver.id == "boto3"
                case ast.Name(id=maker) if maker in MAKERS:
                    yield node.lineno, name, False


def _service(call: ast.Call) -> str | None:
    """Return the first argument of a call, or the one that is named as boto3 names it, if it is a literal text."""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "service_name"]
    match [*call.args[:1], *named]:
        case [ast.Constant(value=str(service))]:
            return service
    return None
