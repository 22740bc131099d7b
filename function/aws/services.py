"""Which AWS services this process can call: those that the bundle describes to botocore.

The bundle has no description of any other service. A developer's machine has all of botocore; a client that cannot be
made on Lambda cannot be made there either.
"""

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from ..contract import SERVICES, SIGN_IN

FIRST_READ: Final = frozenset({"service-2", "resources-1"})
"""What boto3 reads first for a client and for a resource. A service has these, but need not have pages or waiters."""

_log = logging.getLogger(__name__)


class ServiceNotDescribed(Exception):
    """The bundle does not describe the service; the message names the argument that adds it."""


def limit_services(added: Collection[str]) -> None:
    """Let this process make clients of the function's own services and of those ``added``, and of no other ones.

    That is for a process of our own: it changes botocore's loader, which all sessions use. What it refuses it also
    logs, because the words of an exception in a module of the user's are not logged.
    """
    described = {*SERVICES, *added}
    load = Loader.load_service_model

    def load_described(
        self: Loader,
        service_name: str,
        type_name: str,
        api_version: str | None = None,
    ) -> Any:  # noqa: ANN401 - as botocore's own method
        if service_name in described:
            return load(self, service_name, type_name, api_version)
        if service_name not in SIGN_IN and (Path(self.BUILTIN_DATA_PATH) / service_name).is_dir():
            raise _refused(service_name)
        try:
            return load(self, service_name, type_name, api_version)  # a description that the user's module brings
        except UnknownServiceError:
            if type_name in FIRST_READ:
                raise _refused(service_name) from None
            raise

    Loader.load_service_model = load_described  # type: ignore[method-assign]  # it has no other place for a check


def _refused(service_name: str) -> ServiceNotDescribed:
    _log.error("the bundle does not describe the AWS service %r: add it to the argument services", service_name)
    return ServiceNotDescribed(
        f"the bundle does not describe the AWS service {service_name!r}: add it to the argument services"
    )
