"""The handler that ``_HANDLER`` names."""

import importlib
from collections.abc import Callable, Mapping

from ..gateway import LambdaContext, Response

Handler = Callable[[object, LambdaContext], Response]


class InitFailed(Exception):
    """The function cannot start. ``kind`` is a ``Category.Reason`` as the Runtime API defines them."""

    def __init__(self, kind: str, message: str) -> None:
        """Take the kind, and a sentence for the person who deploys."""
        super().__init__(message)
        self.kind = kind


def load(environ: Mapping[str, str]) -> Handler:
    """Import the module that ``_HANDLER`` names and return the function.

    Raises:
        InitFailed: there is no such function, or this runtime does not support how Lambda runs it.
        Exception: the module raised it.
    """
    if "AWS_LAMBDA_MAX_CONCURRENCY" in environ:
        raise InitFailed(
            "Runtime.Unsupported",
            "Lambda Managed Instances are not supported, because this runtime serves one request at a time.",
        )
    if environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        raise InitFailed("Runtime.Unsupported", "SnapStart is not supported: switch it off for this function.")
    name = environ.get("_HANDLER", "")
    module_name, _, attribute = name.rpartition(".")
    if not module_name:
        raise InitFailed("Runtime.MalformedHandlerName", f"_HANDLER must be module.function; got {name!r}.")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InitFailed("Runtime.ImportModuleError", f"Unable to import {module_name}: {error}") from error
    except SyntaxError as error:
        raise InitFailed("Runtime.UserCodeSyntaxError", f"Syntax error in {module_name}: {error}") from error
    handler: Handler | None = getattr(module, attribute, None)
    if handler is None:
        raise InitFailed("Runtime.HandlerNotFound", f"There is no {attribute} in {module_name}.")
    return handler
