"""IAM statements of the function's role, besides those for its model, and of resource policies."""

from .document import Place, Statement, allow


def assumed_by(service: str) -> list[Statement]:
    """Return the trust policy of a role that one AWS service assumes."""
    return [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]


def log_statements(group_arn: str) -> list[Statement]:
    """Return the statement for writing to exactly one log group. The function does not create it."""
    streams = f"{group_arn.removesuffix(':*')}:*"
    return [allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], streams)]


def tracing_statements() -> list[Statement]:
    """Return the statement for X-Ray, whose actions do not support resources."""
    return [allow("Trace", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")]


def sink_statements(sink: str, place: Place) -> list[Statement]:
    """Return the statement for publishing to ``kind:NAME or ARN``; none for ``log``."""
    kind, _, name = sink.partition(":")
    match kind:
        case "sns":
            return [allow("Publish", ["sns:Publish"], name)]
        case "eventbridge":
            return [allow("Publish", ["events:PutEvents"], _arn("events", place, "event-bus", name))]
        case "firehose":
            return [allow("Publish", ["firehose:PutRecord"], _arn("firehose", place, "deliverystream", name))]
    return []


def store_statements(store: str, place: Place) -> list[Statement]:
    """Return the statement for keeping records in ``dynamodb:NAME or ARN``; none for ``none``."""
    kind, _, name = store.partition(":")
    return [allow("Store", ["dynamodb:PutItem"], _arn("dynamodb", place, "table", name))] if kind == "dynamodb" else []


def key_statements(key_arn: str) -> list[Statement]:
    """Return the statement for a customer's KMS key: it encrypts the environment, the sink and the store."""
    return [allow("Key", ["kms:Decrypt", "kms:GenerateDataKey"], key_arn)]


def network_statements(place: Place) -> list[Statement]:
    """Return the statements for the network interfaces that Lambda creates, whose names are not known beforehand.

    The function's own code is denied the same actions (Lambda Developer Guide, "Execution role and user permissions"
    of VPC access).
    """
    actions = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ]
    functions = f"arn:{place.partition}:lambda:{place.region}:{place.account}:function:*"
    own_code = {"ArnLike": {"lambda:SourceFunctionArn": functions}}
    return [
        allow("Network", actions, "*"),
        {"Sid": "NetworkIsLambdas", "Effect": "Deny", "Action": actions, "Resource": "*", "Condition": own_code},
    ]


def private_statements(execution_arn: str, vpc_endpoint: str) -> list[Statement]:
    """Return the resource policy of a private API: every call must come through one VPC endpoint."""
    elsewhere = {"StringNotEquals": {"aws:SourceVpce": vpc_endpoint}}
    call = {"Principal": "*", "Action": "execute-api:Invoke", "Resource": f"{execution_arn}/*"}
    return [
        {"Sid": "Call", "Effect": "Allow", **call},
        {"Sid": "OnlyThroughEndpoint", "Effect": "Deny", **call, "Condition": elsewhere},
    ]


def delivery_statements(bucket_arn: str, key_arn: str | None) -> list[Statement]:
    """Return the statements that allow Firehose to deliver into a bucket."""
    actions = ["s3:AbortMultipartUpload", "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
    statements = [
        allow("Bucket", actions[1:], bucket_arn),
        allow("Objects", [actions[0], "s3:PutObject"], f"{bucket_arn}/*"),
    ]
    return [*statements, *(key_statements(key_arn) if key_arn else [])]


def _arn(service: str, place: Place, kind: str, name: str) -> str:
    """Return ``name`` if it is an ARN, else the ARN of the resource of that name beside the function."""
    if name.startswith("arn:"):
        return name
    return f"arn:{place.partition}:{service}:{place.region}:{place.account}:{kind}/{name}"
