"""A conversation that fills in a booking: all arguments are in the stack's configuration."""

import pulumi
from streaming_llm_api import StreamingLlmApi, arguments_from

chat = StreamingLlmApi("chat", arguments_from(pulumi.Config()))

pulumi.export("ApiUrl", chat.url)
