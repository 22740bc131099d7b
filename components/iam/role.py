"""IAM statements of the function's role, besides those for its model, and of resource policies."""

from collections.abc import Mapping, Sequence

from .document import Place, Statement, allow

_Condition = Mapping[str, Mapping[str, str | Sequence[str]]]


def assumed_by(service: str) -> list[Statement]:
    """Return the trust policy of a role that one AWS service assumes.

    It has no condition on ``aws:SourceAccount``: no page of Lambda, API Gateway or Firehose says that they send it.
    """
    return [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]


def log_statements(group_arn: str) -> list[Statement]:
    """Return the statement for writing to exactly one log group, without the permission to create one."""
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


def key_statements(
    key_arn: str, place: Place, sink: str, store: str, *, environment_through_lambda: bool
) -> list[Statement]:
    """Return the statements for a customer's KMS key: one for each service that uses it for the function.

    Each is limited to the use through its service (KMS Developer Guide, ``kms:ViaService``), and to the resource
    where the service's page names its encryption context. A service uses only keys of its own region.

    Args:
        key_arn: the key.
        place: where the function runs.
        sink: the sink, as ``kind:NAME or ARN`` or ``log``.
        store: the store, as ``dynamodb:NAME or ARN`` or ``none``.
        environment_through_lambda: whether the function's variables can be decrypted through Lambda alone.
    """
    region = Place.of(key_arn).region
    environment = _through("lambda", region) if environment_through_lambda else None
    statements = [allow("KeyOfEnvironment", "kms:Decrypt", key_arn, environment)]
    kind, _, name = sink.partition(":")
    match kind:
        case "sns":
            # its page on keys names no encryption context: docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
            statements.append(_data_key("KeyOfTopic", key_arn, _through("sns", region)))
        case "eventbridge":
            # docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html
            bus = _arn("events", place, "event-bus", name)
            context = {"kms:EncryptionContext:aws:events:event-bus:arn": bus}
            statements.append(_data_key("KeyOfBus", key_arn, _through("events", region, context)))
        case "firehose":
            # Firehose has a grant of its own for the stream:
            # docs.aws.amazon.com/firehose/latest/APIReference/API_DeliveryStreamEncryptionConfigurationInput.html
            statements.append(_data_key("KeyOfStream", key_arn, _through("firehose", region)))
    kind, _, name = store.partition(":")
    if kind == "dynamodb":
        # docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
        table = _arn("dynamodb", place, "table", name)
        context = {"kms:EncryptionContext:aws:dynamodb:tableName": table.rpartition("/")[2]}
        statements.append(_data_key("KeyOfTable", key_arn, _through("dynamodb", region, context)))
    return statements


def _data_key(sid: str, key_arn: str, condition: _Condition) -> Statement:
    return allow(sid, ["kms:Decrypt", "kms:GenerateDataKey"], key_arn, condition)


def _through(service: str, region: str, context: Mapping[str, str] | None = None) -> _Condition:
    return {"StringEquals": {"kms:ViaService": f"{service}.{region}.amazonaws.com", **(context or {})}}


def own_statement(
    effect: str, actions: Sequence[str], resources: Sequence[str], condition: Mapping[str, object]
) -> Statement:
    """Return a statement of the user's, with its actions and resources sorted: their order does not matter."""
    statement: Statement = {"Effect": effect, "Action": sorted(set(actions)), "Resource": sorted(set(resources))}
    return {**statement, "Condition": condition} if condition else statement


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
    """Return the statements that allow Firehose to deliver into a bucket.

    The condition on the key is that of docs.aws.amazon.com/firehose/latest/dev/controlling-access.html. With a bucket
    key the encryption context is the bucket, without one the object
    (docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html).
    """
    actions = ["s3:AbortMultipartUpload", "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
    objects = f"{bucket_arn}/*"
    statements = [
        allow("Bucket", actions[1:], bucket_arn),
        allow("Objects", [actions[0], "s3:PutObject"], objects),
    ]
    if key_arn is None:
        return statements
    context = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket_arn, objects]}}
    return [*statements, _data_key("Key", key_arn, {**_through("s3", Place.of(key_arn).region), **context})]


def tls_statements(bucket_arn: str) -> list[Statement]:
    """Return the bucket policy that refuses every request over plain HTTP."""
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    call = {"Principal": "*", "Action": "s3:*", "Resource": [bucket_arn, f"{bucket_arn}/*"]}
    return [{"Sid": "OnlyTls", "Effect": "Deny", **call, "Condition": plain}]


def _arn(service: str, place: Place, kind: str, name: str) -> str:
    """Return ``name`` if it is an ARN, else the ARN of the resource of that name beside the function."""
    if name.startswith("arn:"):
        return name
    return f"arn:{place.partition}:{service}:{place.region}:{place.account}:{kind}/{name}"
