"""An endpoint that reads invoices: all arguments are in the stack's configuration."""

import pulumi
from streaming_llm_api import StreamingLlmApi, arguments_from

invoices = StreamingLlmApi("invoices", arguments_from(pulumi.Config()))

pulumi.export("ApiUrl", invoices.url)
