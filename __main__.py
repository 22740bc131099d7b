"""The stack: configuration → the endpoint → its outputs."""

import pulumi

from components import StreamingLlmApi, arguments_from

endpoint = StreamingLlmApi("streaming-llm", arguments_from(pulumi.Config()))

pulumi.export("ApiUrl", endpoint.url)
pulumi.export("ApiUrls", endpoint.urls)
pulumi.export("FunctionName", endpoint.function_name)
pulumi.export("LogGroup", endpoint.log_group_name)
pulumi.export("DashboardUrl", endpoint.dashboard_url)
pulumi.export("ApiKey", endpoint.api_key)
