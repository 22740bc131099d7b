"""What a request of a route looks like: the first of the examples of its request class.

The preview checks it. ``python -m function.example FILE ROUTE`` writes it for programs that send one: FILE gets a JSON
object with ``request``, the example; with ``error``, one sentence; or with neither, where ``{"prompt": …}`` is a
request.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ValidationError

from .contract import Settings, SettingsError, read_settings, variable
from .routes import read_routes
from .user_code import load_request_class

_WHERE = 'model_config = ConfigDict(json_schema_extra={"examples": [{…}]})'
"""Where a class has its examples (docs.pydantic.dev, JSON Schema)."""


def example_of(reference: str, request_class: type[BaseModel]) -> str | None:
    """Return the first example of ``request_class``, which ``reference`` names, as JSON; None if it has none.

    Raises:
        SettingsError: the example is not JSON, or the class does not accept it.
    """
    extra = request_class.model_config.get("json_schema_extra")
    examples = extra.get("examples") if isinstance(extra, Mapping) else None
    if not isinstance(examples, list | tuple) or not examples:
        return None
    try:
        example = json.dumps(examples[0], ensure_ascii=False, allow_nan=False)
        request_class.model_validate_json(example)
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False, include_context=False, include_input=False)
        place = "".join(f"/{key}" for key in first["loc"])
        raise _wrong_example(reference, f"{place}: {first['msg']}" if place else first["msg"]) from error
    except BaseException as error:  # the user's validators can raise anything, SystemExit included
        raise _wrong_example(reference, f"{type(error).__name__}: {error}") from error
    return example


def _wrong_example(reference: str, reason: str) -> SettingsError:
    sentence = reason.partition("\n")[0].rstrip(".")
    return SettingsError(
        f"{variable('request')}: the first example of {reference} is not a valid request: {sentence}. "
        "Correct it in json_schema_extra."
    )


def _sendable(reference: str) -> str | None:
    """Return the first example; None if the class has none and is asked with a prompt.

    Raises:
        SettingsError: nobody can know what to send.
    """
    request_class = load_request_class(reference, with_prompt=False)
    example = example_of(reference, request_class)
    if example is None and "prompt" not in request_class.model_fields:
        raise SettingsError(
            f"{reference} has no example of a request, so nobody knows what to send. "
            f"Give the class one: {_WHERE}; or send the request in a file with --body (make: BODY=)."
        )
    return example


def _settings(route: str) -> Settings:
    """Return the settings of a route; those of the one route, whatever it is called.

    Raises:
        SettingsError: there is no such route.
    """
    stack = read_settings(os.environ)
    if stack.routes is None:
        return stack
    routes = read_routes(stack, os.environ)
    if route not in routes:
        raise SettingsError(f"There is no route {route!r}; the routes are {', '.join(routes)}.")
    return routes[route]


def main(file: str, route: str) -> None:
    """Write what a request of a route looks like to ``file``."""
    try:
        found: dict[str, str | None] = {"request": _sendable(_settings(route).request)}
    except SettingsError as error:
        found = {"error": str(error)}
    except BaseException as error:  # noqa: BLE001 - the user's module can raise anything, SystemExit included
        found = {"error": f"The request class cannot be loaded: {type(error).__name__}: {error}"}
    Path(file).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
