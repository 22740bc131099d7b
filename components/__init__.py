"""The infrastructure: a component that defines the endpoint in AWS, and the bundle that it deploys."""

from .arguments import StreamingLlmApiArgs
from .configuration import arguments_from
from .options import InvalidArgument
from .streaming_llm_api import StreamingLlmApi

VERSION = "0.1.0"

__all__ = ["VERSION", "InvalidArgument", "StreamingLlmApi", "StreamingLlmApiArgs", "arguments_from"]
