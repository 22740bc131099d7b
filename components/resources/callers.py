"""How callers reach the stage: API key, web ACL, host name. The methods' authorization is in ``api``."""

import pulumi
import pulumi_aws as aws

from ..arguments import Authorization, Endpoint
from ..contract import STAGE
from ..options import Domain, Options
from .api import StreamingApi
from .scope import Scope


def api_key(scope: Scope, options: Options, api: StreamingApi) -> pulumi.Output[str] | None:
    """Declare an API key with its usage plan, if callers need one; return its value, a secret."""
    if options.authorization is not Authorization.API_KEY:
        return None
    key = aws.apigateway.ApiKey(scope.child("key"), tags=scope.tags, opts=scope.options())
    plan = aws.apigateway.UsagePlan(
        scope.child("usage-plan"),
        api_stages=[aws.apigateway.UsagePlanApiStageArgs(api_id=api.rest_api.id, stage=api.stage.stage_name)],
        quota_settings=None
        if options.quota is None
        else aws.apigateway.UsagePlanQuotaSettingsArgs(
            limit=options.quota.limit,
            period=options.quota.period.value,
        ),
        tags=scope.tags,
        opts=scope.options(),
    )
    aws.apigateway.UsagePlanKey(
        scope.child("usage-plan-key"),
        key_id=key.id,
        key_type="API_KEY",
        usage_plan_id=plan.id,
        opts=scope.options(),
    )
    return pulumi.Output.secret(key.value)


def web_acl(scope: Scope, options: Options, api: StreamingApi) -> None:
    """Associate the web ACL with the stage, if there is one."""
    if options.web_acl is None:
        return
    aws.wafv2.WebAclAssociation(
        scope.child("web-acl"),
        resource_arn=api.stage.arn,
        web_acl_arn=options.web_acl,
        opts=scope.options(),
    )


def domain(scope: Scope, options: Options, api: StreamingApi) -> pulumi.Output[str] | None:
    """Declare the host name, if there is one; return the name that it must point at."""
    if options.domain is None:
        return None
    edge = options.endpoint is Endpoint.EDGE
    named = _domain_name(scope, options.domain, edge=edge)
    aws.apigateway.BasePathMapping(
        scope.child("domain-mapping"),
        rest_api=api.rest_api.id,
        stage_name=api.stage.stage_name,
        domain_name=named.domain_name,
        base_path=STAGE,
        opts=scope.options(),
    )
    target = named.cloudfront_domain_name if edge else named.regional_domain_name
    if options.domain.zone is not None:
        aws.route53.Record(
            scope.child("domain-record"),
            zone_id=options.domain.zone,
            name=named.domain_name,
            type="A",
            aliases=[
                aws.route53.RecordAliasArgs(
                    name=target,
                    zone_id=named.cloudfront_zone_id if edge else named.regional_zone_id,
                    evaluate_target_health=False,
                ),
            ],
            opts=scope.options(),
        )
    return target


def _domain_name(scope: Scope, domain: Domain, *, edge: bool) -> aws.apigateway.DomainName:
    return aws.apigateway.DomainName(
        scope.child("domain"),
        domain_name=domain.name,
        certificate_arn=domain.certificate if edge else None,
        regional_certificate_arn=None if edge else domain.certificate,
        endpoint_configuration=aws.apigateway.DomainNameEndpointConfigurationArgs(
            types="EDGE" if edge else "REGIONAL",
        ),
        security_policy="TLS_1_2",
        tags=scope.tags,
        opts=scope.options(),
    )
