"""An endpoint that answers from passages that it finds: all arguments are in the stack's configuration."""

import pulumi
from streaming_llm_api import StreamingLlmApi, arguments_from

answers = StreamingLlmApi("answers", arguments_from(pulumi.Config()))

pulumi.export("ApiUrl", answers.url)
