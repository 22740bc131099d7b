"""API key, web ACL and host name: how callers reach the stage."""

from typing import Any, cast

import pytest

from components import StreamingLlmApi, StreamingLlmApiArgs
from tests.components.recording import Declared, declare


def _declared(**args: Any) -> Declared:
    given_args = cast("StreamingLlmApiArgs", args)
    return declare(lambda: StreamingLlmApi("llm", given_args))


def test_an_api_key_comes_with_its_plan_and_quota() -> None:
    declared = _declared(authorization="apiKey", quota={"limit": 100, "period": "WEEK"})
    plan = declared.one("UsagePlan").inputs
    assert plan["apiStages"] == [{"apiId": "llm-api-id", "stage": "v1"}]
    assert plan["quotaSettings"] == {"limit": 100.0, "period": "WEEK"}
    key = declared.one("UsagePlanKey").inputs
    assert (key["keyId"], key["usagePlanId"]) == ("llm-key-id", "llm-usage-plan-id")


@pytest.mark.parametrize("edge", [True, False])
def test_a_domain_has_the_kind_of_its_endpoint(edge: bool) -> None:
    domain = {"name": "llm.example.com", "certificate": "arn:aws:acm:x", "zone": "Z1"}
    declared = _declared(endpoint="edge" if edge else "regional", domain=domain)
    named, mapping = declared.one("DomainName").inputs, declared.one("BasePathMapping").inputs
    record = declared.one("Record").inputs
    assert named["certificateArn" if edge else "regionalCertificateArn"] == "arn:aws:acm:x"
    assert named["securityPolicy"] == "TLS_1_2"
    assert (mapping["basePath"], mapping["stageName"]) == ("v1", "v1")
    kind = "edge" if edge else "regional"
    assert record["aliases"][0]["name"] == f"llm-domain.{kind}.example"
    assert declared.outputs["llm"]["domainTarget"] == f"llm-domain.{kind}.example"


def test_a_web_acl_stands_before_the_stage() -> None:
    association = _declared(web_acl="arn:aws:wafv2:x").one("WebAclAssociation").inputs
    assert association["webAclArn"] == "arn:aws:wafv2:x"
    assert association["resourceArn"].endswith("/stages/v1")


@pytest.mark.parametrize(("only", "warned"), [(None, True), (False, True), (True, False)])
def test_a_domain_can_be_the_only_host(only: bool | None, *, warned: bool) -> None:
    """The other host name is disabled, and the deployment follows; by default it stays, and every preview says so."""
    domain: dict[str, Any] = {"name": "llm.example.com", "certificate": "arn:aws:acm:x"}
    if only is not None:
        domain["only_this_host"] = only
    declared = _declared(authorization="iam", domain=domain)

    assert declared.one("RestApi").inputs["disableExecuteApiEndpoint"] is not warned
    assert [warning for warning in declared.warnings() if "domain.onlyThisHost" in warning] == declared.warnings()
    assert bool(declared.warnings()) is warned


def test_the_other_host_is_disabled_by_a_new_deployment() -> None:
    """API Gateway refuses the other name only from the next deployment on."""
    domain = {"name": "llm.example.com", "certificate": "arn:aws:acm:x"}
    open_one, closed = (
        _declared(domain={**domain, "only_this_host": only}).one("Deployment").inputs["triggers"]
        for only in (False, True)
    )
    assert open_one != closed


def test_without_a_domain_the_gateways_host_stays() -> None:
    assert _declared().one("RestApi").inputs["disableExecuteApiEndpoint"] is False
