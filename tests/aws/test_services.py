"""A client that the bundle does not describe to botocore cannot be made, here where botocore describes all of them."""

import json
import logging
from pathlib import Path

import boto3
import pytest
from boto3.exceptions import ResourceNotExistsError
from botocore.loaders import Loader

from function.aws.services import ServiceNotDescribed, limit_services
from function.contract import SERVICES, SIGN_IN

REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a function with `services: [s3]`; botocore is as it was when the test is over."""
    monkeypatch.setattr(Loader, "load_service_model", Loader.load_service_model)
    limit_services(["s3"])


@pytest.mark.parametrize("service", [*SERVICES, "s3", *sorted(SIGN_IN)])
def test_a_client_of_a_service_that_is_described_is_made(service: str) -> None:
    """With its waiters, of which some services have none."""
    client = boto3.session.Session().client(service, region_name=REGION)  # type: ignore[call-overload]  # any name
    assert client.meta.service_model.service_name == service
    assert ("bucket_exists" in client.waiter_names) is (service == "s3")


@pytest.mark.parametrize("service", ["ec2", "bedrock-agent-runtime", "no-such-service"])
def test_a_client_of_another_service_fails_with_a_sentence_that_names_the_argument(
    service: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has it too: what own code raises is logged without its words."""
    sentence = f"the bundle does not describe the AWS service {service!r}: add it to the argument services"
    with caplog.at_level(logging.ERROR), pytest.raises(ServiceNotDescribed) as raised:
        boto3.session.Session().client(service, region_name=REGION)  # type: ignore[call-overload]  # any name
    assert str(raised.value) == sentence
    assert caplog.messages == [sentence]


def test_a_resource_is_a_client_too() -> None:
    session = boto3.session.Session()
    assert session.resource("s3", region_name=REGION).meta.client.meta.service_model.service_name == "s3"
    with pytest.raises(ServiceNotDescribed, match="'ec2'"):
        session.resource("ec2", region_name=REGION)
    with pytest.raises(ResourceNotExistsError):
        session.resource("sts", region_name=REGION)  # type: ignore[call-overload]  # described, but no resource


def test_a_description_that_a_module_brings_is_used(tmp_path: Path) -> None:
    """It lies in a folder that the module adds to the search paths of its session."""
    folder = tmp_path / "internal" / "2026-01-01"
    folder.mkdir(parents=True)
    metadata = {
        "apiVersion": "2026-01-01",
        "endpointPrefix": "internal",
        "protocol": "json",
        "serviceId": "Internal",
        "signatureVersion": "v4",
        "targetPrefix": "Internal",
        "jsonVersion": "1.1",
    }
    (folder / "service-2.json").write_text(json.dumps({"metadata": metadata, "operations": {}, "shapes": {}}))
    (folder / "endpoint-rule-set-1.json").write_text(json.dumps({"version": "1.0", "parameters": {}, "rules": []}))
    session = boto3.session.Session()
    session._loader.search_paths.append(str(tmp_path))  # noqa: SLF001 - the usual way
    client = session.client("internal", region_name=REGION)  # type: ignore[call-overload]  # any name
    assert client.meta.service_model.service_name == "internal"
