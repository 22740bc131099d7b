"""The whole chain on one machine: gateway, function and model, joined as the stack joins them."""

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
from .gateway.server import Gateway
from .journal import Journal
from .lambda_.deployment import Deployment
from .lambda_.function import Function

CHECKOUT = Path(__file__).resolve().parent.parent
HERMETIC = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
"""Whatever the user's own configuration says of endpoints and profiles is not for the twin."""


class Twin:
    """An endpoint that answers at ``url``. Sandboxes start with the first request."""

    def __init__(
        self,
        bedrock: Bedrock | None,
        deployment: Deployment | None = None,
        *,
        listener: socket.socket | None = None,
        journal: Journal | None = None,
        on_output: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Start the servers, the gateway on a free port or on ``listener``.

        Without ``bedrock`` the function calls the real one; it is not closed here.
        """
        self.bedrock = bedrock
        self.journal = journal or Journal()
        self._on_output = on_output
        self.function = self._deployed(deployment or Deployment(CHECKOUT))
        self.gateway = Gateway(self.function, listener)

    @property
    def url(self) -> str:
        """The endpoint."""
        return self.gateway.url

    def deploy(self, environment: Mapping[str, str | None] | None = None, **changes: Any) -> None:  # noqa: ANN401 - fields
        """Change the deployment: variables are added to those there are, ``changes`` are fields of ``Deployment``."""
        old = self.function
        merged = {**old.deployment.environment, **(environment or {})}
        self.function = self._deployed(replace(old.deployment, environment=merged, **changes))
        self.gateway.function = self.function
        self.gateway.integration_timeout = self.function.deployment.timeout + 10
        old.close()

    def post(self, body: object = None, accept: str | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send a request whose body is JSON of ``body`` (bytes as they are, None: empty); the answer is not awaited."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        fields = {"Content-Type": "application/json", **({"Accept": accept} if accept else {}), **(headers or {})}
        return Reply(self.url, content, fields)

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
            deployment = replace(deployment, environment={**HERMETIC, **endpoint, **deployment.environment})
        return Function(deployment, self.journal, self._on_output)


@contextmanager
def task_root(code: Path) -> Iterator[Path]:
    """Give the block a task root that looks like a bundle with the modules of the folder ``code``."""
    with tempfile.TemporaryDirectory(prefix="task-") as folder:
        root = Path(folder)
        (root / "function").symlink_to(CHECKOUT / "function")
        (root / "bootstrap").symlink_to(CHECKOUT / "function" / "bootstrap")
        for module in code.iterdir():
            (root / module.name).symlink_to(module.resolve())
        yield root
