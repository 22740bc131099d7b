"""The infrastructure: a component that defines the endpoint in AWS, and the bundle that it deploys.

The names below are loaded at their first use: the bundle must be built, and ``streaming_llm_api.endpoint`` imported,
even if Pulumi is not installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .arguments import StreamingLlmApiArgs
    from .configuration import arguments_from
    from .contract import VERSION
    from .streaming_llm_api import StreamingLlmApi
    from .values import InvalidArgument
else:
    _MODULES = {
        "InvalidArgument": "values",
        "StreamingLlmApi": "streaming_llm_api",
        "StreamingLlmApiArgs": "arguments",
        "VERSION": "contract",
        "arguments_from": "configuration",
    }

    def __getattr__(name: str) -> object:
        """Load a public name from its module (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            module = import_module(f".{_MODULES[name]}", __name__)
        except ModuleNotFoundError as error:
            if error.name not in {"pulumi", "pulumi_aws"}:
                raise
            raise ImportError(f"{name} needs Pulumi: install streaming-llm-api[pulumi].", name=error.name) from None
        return getattr(module, name)


__all__ = ["VERSION", "InvalidArgument", "StreamingLlmApi", "StreamingLlmApiArgs", "arguments_from"]
