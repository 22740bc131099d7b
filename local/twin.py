"""The local stack: gateway, function and Bedrock on one machine, joined as the deployed stack joins them."""

import json
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .bedrock.server import Bedrock
from .client import Reply
from .gateway.routes import ROUTES_VARIABLE
from .gateway.server import Gateway
from .journal import Journal
from .lambda_.deployment import Deployment
from .lambda_.endpoints import without_services
from .lambda_.function import Function

CHECKOUT = Path(__file__).resolve().parent.parent
HERMETIC = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
"""The user's own AWS configuration must not change which endpoints the local function calls."""


class Twin:
    """The local stack, with its endpoint at ``url``. The first request starts a sandbox."""

    def __init__(
        self,
        bedrock: Bedrock | None,
        deployment: Deployment | None = None,
        *,
        listener: socket.socket | None = None,
        journal: Journal | None = None,
        on_output: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Start the gateway on a free port or on ``listener``.

        ``bedrock`` stays open when the local stack is closed; if it is None, the function calls Amazon Bedrock.
        """
        self.bedrock = bedrock
        self.journal = journal or Journal()
        self._on_output = on_output
        self.function = self._deployed(deployment or Deployment(CHECKOUT))
        self.gateway = Gateway(self.function, listener)

    @property
    def url(self) -> str:
        """The URL of the endpoint; of several routes, that of the first."""
        return self.gateway.url

    @property
    def urls(self) -> Mapping[str, str]:
        """The URL of each route, by its name."""
        return self.gateway.urls

    def deploy(self, environment: Mapping[str, str | None] | None = None, **changes: Any) -> None:  # noqa: ANN401 - fields
        """Deploy again: ``environment`` is merged into the variables, ``changes`` are fields of ``Deployment``."""
        old = self.function
        merged = {**old.deployment.environment, **(environment or {})}
        self.function = self._deployed(replace(old.deployment, environment=merged, **changes))
        self.gateway.function = self.function
        self.gateway.integration_timeout = self.function.deployment.timeout + 10
        old.close()

    def post(
        self,
        body: object = None,
        accept: str | None = None,
        headers: Mapping[str, str] | None = None,
        route: str | None = None,
    ) -> Reply:
        """Send a request and return before the response arrives. ``body`` becomes JSON; bytes are sent as they are.

        Without ``route``, it is sent to ``url``.
        """
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        fields = {"Content-Type": "application/json", **({"Accept": accept} if accept else {}), **(headers or {})}
        return Reply(self.urls[route] if route else self.url, content, fields)

    def close(self) -> None:
        """End every process, connection and thread."""
        self.function.close()
        self.gateway.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _deployed(self, deployment: Deployment) -> Function:
        if self.bedrock is not None:
            endpoint = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self.bedrock.url}
            variables = {**HERMETIC, **endpoint, **deployment.environment, **without_services(deployment)}
            deployment = replace(deployment, environment=variables)
        return Function(deployment, self.journal, self._on_output)


@contextmanager
def routes_variable(routes: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, str]]:
    """Give the block the variable that names a file with these routes, for function and gateway; none without any.

    ``routes`` has the texts of settings by the setting's name, for each route by its name.
    """
    if not routes:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="routes-") as folder:
        file = Path(folder) / "routes.json"
        file.write_text(json.dumps(routes), encoding="utf-8")
        yield {ROUTES_VARIABLE: str(file)}


@contextmanager
def task_root(code: Path) -> Iterator[Path]:
    """Give the block a task root that looks like a bundle with the modules of the folder ``code``."""
    with tempfile.TemporaryDirectory(prefix="task-") as folder:
        root = Path(folder)
        (root / "function").symlink_to(CHECKOUT / "function")
        (root / "bootstrap").symlink_to(CHECKOUT / "function" / "bootstrap")
        package = root / "streaming_llm_api"  # what the modules import
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "endpoint.py").symlink_to(CHECKOUT / "components" / "endpoint.py")
        for module in code.iterdir():
            (root / module.name).symlink_to(module.resolve())
        yield root
