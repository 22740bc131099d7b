"""The sink and the store of records: created by the stack, or existing ones."""

import pulumi
import pulumi_aws as aws

from ..contract import TABLE_EXPIRY, TABLE_KEY
from ..iam.document import document
from ..iam.role import assumed_by, delivery_statements, tls_statements
from ..options import Options
from .scope import Scope


def sink(scope: Scope, options: Options) -> pulumi.Input[str]:
    """Return the value of LLM_SINK. The sink is created if only its kind is given."""
    match options.sink:
        case "sns":
            topic = aws.sns.Topic(
                scope.child("records"),
                kms_master_key_id="alias/aws/sns" if options.kms_key is None else options.kms_key,
                tags=scope.tags,
                opts=scope.options(),
            )
            return pulumi.Output.concat("sns:", topic.arn)
        case "eventbridge":
            bus = aws.cloudwatch.EventBus(
                scope.child("records"),
                kms_key_identifier=options.kms_key,
                tags=scope.tags,
                opts=scope.options(),
            )
            return pulumi.Output.concat("eventbridge:", bus.arn)
        case "firehose":
            return pulumi.Output.concat("firehose:", _delivery_stream(scope, options).name)
    return pulumi.Output.from_input(options.sink).apply(_by_name)


def _by_name(sink: str) -> str:
    """Return the sink with the name of its stream: Firehose accepts no ARN in place of a name."""
    kind, _, name = sink.partition(":")
    return f"firehose:{name.rpartition('/')[2]}" if kind == "firehose" else sink


def store(scope: Scope, options: Options) -> pulumi.Input[str]:
    """Return the value of LLM_STORE. The table is created if only its kind is given."""
    if options.store != "dynamodb":
        return options.store
    table = aws.dynamodb.Table(
        scope.child("records-table"),
        hash_key=TABLE_KEY,
        attributes=[aws.dynamodb.TableAttributeArgs(name=TABLE_KEY, type="S")],
        billing_mode="PAY_PER_REQUEST",
        ttl=aws.dynamodb.TableTtlArgs(attribute_name=TABLE_EXPIRY, enabled=True),
        point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=True),
        server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(enabled=True, kms_key_arn=options.kms_key),
        tags=scope.tags,
        opts=scope.options(),
    )
    return pulumi.Output.concat("dynamodb:", table.name)


def _delivery_stream(scope: Scope, options: Options) -> aws.kinesis.FirehoseDeliveryStream:
    """Return a stream that delivers into a bucket of its own, closed to the public and to plain HTTP."""
    bucket = aws.s3.Bucket(scope.child("records"), tags=scope.tags, opts=scope.options())
    access_block = aws.s3.BucketPublicAccessBlock(
        scope.child("records-closed"),
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=scope.options(),
    )
    tls = aws.s3.BucketPolicy(
        scope.child("records-tls"),
        bucket=bucket.bucket,
        policy=bucket.arn.apply(tls_statements).apply(document),
        opts=scope.options(after=[access_block]),
    )
    encryption = aws.s3.BucketServerSideEncryptionConfiguration(
        scope.child("records-encryption"),
        bucket=bucket.bucket,
        rules=[
            aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                    sse_algorithm="AES256" if options.kms_key is None else "aws:kms",
                    kms_master_key_id=options.kms_key,
                ),
                bucket_key_enabled=options.kms_key is not None,
            ),
        ],
        opts=scope.options(),
    )
    role = aws.iam.Role(
        scope.child("delivery-role"),
        assume_role_policy=document(assumed_by("firehose.amazonaws.com")),
        tags=scope.tags,
        opts=scope.options(),
    )
    statements = pulumi.Output.all(bucket.arn, options.kms_key).apply(
        lambda given: delivery_statements(given[0], given[1]),
    )
    policy = aws.iam.RolePolicy(
        scope.child("delivery-may-write"),
        role=role.name,
        policy=statements.apply(document),
        opts=scope.options(),
    )
    return aws.kinesis.FirehoseDeliveryStream(
        scope.child("records-stream"),
        destination="extended_s3",
        extended_s3_configuration=aws.kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationArgs(
            bucket_arn=bucket.arn,
            role_arn=role.arn,
            compression_format="GZIP",
        ),
        server_side_encryption=aws.kinesis.FirehoseDeliveryStreamServerSideEncryptionArgs(
            enabled=True,
            key_type="AWS_OWNED_CMK" if options.kms_key is None else "CUSTOMER_MANAGED_CMK",
            key_arn=options.kms_key,
        ),
        tags=scope.tags,
        opts=scope.options(after=[access_block, tls, encryption, policy]),
    )
