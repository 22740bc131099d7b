"""The context that the handler gets."""

from tests.aws.runtime.platform import LAST_CHUNK, Platform, chunk


def test_the_context_is_that_of_aws_own_runtime(platform: Platform) -> None:
    platform.start("""
        context.log("a line")
        yield repr([
            context.function_name, context.function_version, context.memory_limit_in_mb, context.log_group_name,
            context.log_stream_name, context.aws_request_id, context.invoked_function_arn,
            context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id,
            context.client_context.custom, context.client_context.env,
            0 < context.get_remaining_time_in_millis() <= 60_000,
        ]).encode()
    """)
    platform.invoke(
        Lambda_Runtime_Client_Context='{"custom": {"a": "b"}, "env": {"city": "Köln"}}',
        Lambda_Runtime_Cognito_Identity='{"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}',
    )
    response = platform.response()
    expected = ["streaming", "$LATEST", "1024", "/aws/lambda/streaming", "stream-1", "req-1"]
    expected += ["arn:aws:lambda:eu-west-1:123456789012:function:streaming", "id", "pool"]
    response.exactly(chunk(repr([*expected, {"a": "b"}, {"city": "Köln"}, True]).encode()) + LAST_CHUNK)
    response.reply()
    platform.idle()
