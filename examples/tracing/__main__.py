"""An endpoint that exports a span of each request: all arguments are in the stack's configuration."""

import pulumi
from streaming_llm_api import StreamingLlmApi, arguments_from

traced = StreamingLlmApi("traced", arguments_from(pulumi.Config()))

pulumi.export("ApiUrl", traced.url)
