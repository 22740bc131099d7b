"""The component as other languages get it: its schema, and the plugin host over its real socket."""

import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import grpc  # type: ignore[import-untyped]  # it ships no types
import pytest
from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]  # it ships no types
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    provider_pb2,
    provider_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)

from components import VERSION, StreamingLlmApi, StreamingLlmApiArgs
from components.bundle.target import MACHINES
from components.contract import camel
from tests.components.conftest import unpack
from tests.components.own_code import ITS_ARGUMENTS, assert_own_classes_are_the_functions, write_preparing
from tests.components.recording import SECRET, SECRET_KIND, computed

REPOSITORY = Path(__file__).resolve().parent.parent.parent
TOKEN: Final = "streaming-llm:index:StreamingLlmApi"


class Engine(resource_pb2_grpc.ResourceMonitorServicer, engine_pb2_grpc.EngineServicer):
    """The engine's side of the socket: registers whatever comes, with the outputs that AWS would compute."""

    def __init__(self) -> None:
        self.registered: list[Any] = []
        self.logged: list[str] = []
        self.server = grpc.server(ThreadPoolExecutor(8))
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(self, self.server)
        engine_pb2_grpc.add_EngineServicer_to_server(self, self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def SupportsFeature(self, request: Any, _: object) -> Any:  # noqa: N802 - a generated interface
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id != "outputValues")

    def GetDeploymentInfo(self, _request: object, _: object) -> Any:  # noqa: N802 - a generated interface
        return resource_pb2.DeploymentInfo(
            supportedFeatures=[
                resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
                resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
            ],
        )

    def RegisterResource(self, request: Any, _: object) -> Any:  # noqa: N802 - a generated interface
        self.registered.append(request)
        outputs = struct_pb2.Struct()
        outputs.CopyFrom(request.object)
        outputs.update(computed(request.type, request.name))
        urn = f"urn:pulumi:dev::program::{request.type}::{request.name}"
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"{request.name}-id", object=outputs)

    def RegisterResourceOutputs(self, _request: object, _: object) -> Any:  # noqa: N802 - generated
        return empty_pb2.Empty()

    def RegisterPackage(self, _request: object, _: object) -> Any:  # noqa: N802 - a generated interface
        return resource_pb2.RegisterPackageResponse(ref="aws")

    def Log(self, request: Any, _: object) -> Any:  # noqa: N802 - a generated interface
        self.logged.append(request.message)
        return empty_pb2.Empty()

    def of(self, kind: str) -> list[Any]:
        """Return what was registered of a type."""
        return [item for item in self.registered if item.type.endswith(f":{kind}")]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The engine that the host talks to."""
    served = Engine()
    yield served
    served.server.stop(None).wait()


@pytest.fixture(scope="module")
def provider(engine: Engine) -> Iterator[Any]:
    """The host, started as Pulumi starts a plugin: its folder and the engine's address."""
    command = [sys.executable, str(REPOSITORY / "components"), engine.address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY, text=True) as host:
        try:
            assert host.stdout is not None
            port = int(host.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield provider_pb2_grpc.ResourceProviderStub(channel)
        finally:
            host.terminate()


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The schema as it is derived from the arguments."""
    text = ComponentProvider([StreamingLlmApi], "streaming-llm", None, VERSION).schema
    assert text
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def _construct(provider: Any, engine: Engine, name: str, inputs: dict[str, Any]) -> Any:
    values = struct_pb2.Struct()
    values.update(inputs)
    request = provider_pb2.ConstructRequest(
        project="program",
        stack="dev",
        type=TOKEN,
        name=name,
        inputs=values,
        monitorEndpoint=engine.address,
        parallel=4,
    )
    return provider.Construct(request, timeout=300)


def test_the_host_answers_with_the_schema_of_the_arguments(provider: Any, schema: dict[str, Any]) -> None:
    answer = provider.GetSchema(provider_pb2.GetSchemaRequest(), timeout=60)
    assert json.loads(answer.schema) == schema


def test_the_host_constructs_the_component(provider: Any, engine: Engine) -> None:
    answer = _construct(
        provider,
        engine,
        "llm",
        {
            "timeout": 60,
            "endpoint": "edge",
            "authorization": "cognito",
            "authorizer": {"userPools": ["arn:aws:cognito-idp:x"], "cacheSeconds": 60},
            "allowedOrigins": ["https://a.example"],
            "tags": {"team": "llm"},
            "statements": [
                {
                    "actions": ["s3:GetObject"],
                    "resources": ["arn:aws:s3:::prices/*"],
                    "effect": "Deny",
                    "condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ],
        },
    )
    state = dict(answer.state.items())
    assert state["url"] == "https://llm-api-id.execute-api.eu-central-1.amazonaws.com/v1/stream"
    assert state["functionName"] == "llm-function"
    [function] = [item for item in engine.of("Function") if item.name == "llm-function"]
    assert function.object["timeout"] == 60
    [policy] = [item for item in engine.of("RolePolicy") if item.name == "llm-may-own-code"]
    assert json.loads(policy.object["policy"])["Statement"] == [
        {
            "Effect": "Deny",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::prices/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    [authorizer] = engine.of("Authorizer")
    assert authorizer.object["authorizerResultTtlInSeconds"] == 60


@pytest.mark.skipif(sys.platform != "linux", reason="what is built for Lambda runs on Linux alone")
def test_from_the_host_the_function_recognizes_what_own_modules_give_and_raise(
    provider: Any, engine: Engine, tmp_path: Path
) -> None:
    """In the preview's trial, and in the bundle that another language's program deploys."""
    write_preparing(tmp_path / "code")
    machine = next(name for name, it in MACHINES.items() if it == platform.machine())
    inputs = {"authorization": "iam", "code": str(tmp_path / "code"), "architecture": machine, **ITS_ARGUMENTS}
    _construct(provider, engine, "llm-own", inputs)
    [function] = [item for item in engine.of("Function") if item.name == "llm-own-function"]
    unpack(Path(function.object["code"]["path"]), tmp_path / "root")
    assert_own_classes_are_the_functions(tmp_path / "root")


def test_a_secret_of_another_language_stays_one(provider: Any, engine: Engine) -> None:
    """The engine passes a secret on as an output value, because the host accepts those."""
    token = {SECRET: "d0e6a833031e9bbcd3f4e8bde6ca49a4", "value": "canary", "secret": True, "dependencies": []}
    _construct(provider, engine, "llm-secret", {"authorization": "iam", "environment": {"TOKEN": token, "TABLE": "t"}})
    [function] = [item for item in engine.of("Function") if item.name == "llm-secret-function"]
    variables = function.object["environment"]["variables"]
    assert dict(variables["TOKEN"].items()) == {SECRET: SECRET_KIND, "value": "canary"}
    assert variables["TABLE"] == "t"


def test_routes_are_declared_from_another_language(provider: Any, engine: Engine) -> None:
    routes = {"invoice": {"maxTokens": 9, "throttle": {"rate": 1, "burst": 2}}, "triage": {"modelId": "m"}}
    answer = _construct(provider, engine, "llm-desk", {"authorization": "iam", "routes": routes})
    assert dict(answer.state["urls"].items()) == {
        name: f"https://llm-desk-api-id.execute-api.eu-central-1.amazonaws.com/v1/{name}" for name in routes
    }
    [throttle] = [each for each in engine.of("MethodSettings") if each.name == "llm-desk-throttle-invoice"]
    assert throttle.object["settings"]["throttlingBurstLimit"] == 2


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ({"maxTokens": 0}, "routes.invoice.maxTokens must be a whole number from 1 to 200000; got 0"),
        ({"maxToken": 1}, r"routes\.invoice\.maxToken: there is no such argument\. Did you mean routes"),
        ({"throttle": {"rate": 1, "burst": 1, "rates": 2}}, r"routes\.invoice\.throttle\.rates: there is no such"),
    ],
)
def test_a_wrong_argument_of_a_route_is_named_there_too(
    provider: Any, engine: Engine, route: dict[str, Any], message: str
) -> None:
    with pytest.raises(grpc.RpcError, match=message):
        _construct(provider, engine, "llm-wrong-route", {"routes": {"invoice": route}})


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"timeout": 891}, "timeout must be a whole number from 5 to 890; got 891"),
        ({"tiemout": 60}, "tiemout: there is no such argument. Did you mean timeout?"),
        (
            {"dashboard": {"inptuPrice": 1}},
            (
                "dashboard.inptuPrice: there is no such argument. Did you mean dashboard.inputPrice? "
                "dashboard has inputPrice, outputPrice and prices."
            ),
        ),
        (
            {"statements": [{"actions": ["s3:*"], "resources": ["*"]}, {"action": ["s3:*"]}]},
            "statements[1].action: there is no such argument. Did you mean statements[1].actions?",
        ),
        ({"dashboard": "yes"}, "dashboard must be an object with inputPrice, outputPrice and prices; got 'yes'."),
        ({"throttle": {"rate": 1}}, "throttle.burst is required."),
        ({"endpoint": "global"}, "endpoint must be regional, edge or private; got 'global'."),
    ],
)
def test_a_wrong_argument_is_a_sentence_there_too(
    provider: Any, engine: Engine, inputs: dict[str, Any], message: str
) -> None:
    """A key that does not exist is refused as well, at every depth: nothing that the caller wrote is left out."""
    with pytest.raises(grpc.RpcError, match=re.escape(message)):
        _construct(provider, engine, "wrong", inputs)


def test_two_endpoints_of_one_program_set_the_account_wide_role_up_once(provider: Any, engine: Engine) -> None:
    for name in ("first", "second"):
        _construct(provider, engine, name, {"accessLog": True, "manageAccountLogging": True, "authorization": "iam"})
    [account] = engine.of("Account")
    for stage in engine.of("Stage"):
        if not stage.name.startswith("llm"):
            assert f"urn:pulumi:dev::program::{account.type}::{account.name}" in stage.dependencies


def test_the_types_token_begins_with_the_hosts_name(schema: dict[str, Any]) -> None:
    assert list(schema["resources"]) == [TOKEN]
    assert (schema["name"], schema["version"]) == ("streaming-llm", VERSION)


def test_no_input_is_required_and_every_one_is_described(schema: dict[str, Any]) -> None:
    component = schema["resources"][TOKEN]
    assert component["requiredInputs"] == []
    assert set(component["inputProperties"]) == {camel(name) for name in StreamingLlmApiArgs.__annotations__}
    for kind in [component["inputProperties"], component["properties"], *_properties(schema)]:
        assert all(item.get("description") for item in kind.values())
        assert not [item for item in kind.values() if "\n" in item["description"]]


def _properties(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (item["properties"] for item in schema["types"].values() if "properties" in item)
