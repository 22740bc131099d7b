"""A program under Pulumi's mocks: everything that it declared, as the engine would get it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

import pulumi
from pulumi.runtime import mocks, resource
from pulumi.runtime.proto.source_pb2 import StackTrace
from pulumi.runtime.stack import Stack

ACCOUNT = "123456789012"
REGION = "eu-central-1"
SECRET = "4dabf18193072939515e22adb298388d"
"""The key under which Pulumi's wire format marks a secret."""
SECRET_KIND = "1b47061264138c4ac30d75fd1eb44270"
"""What that key has as its value where it marks a secret."""

# The SDK sends the whole stack of the program with each resource, for error messages of the engine. Under pytest that
# is a quarter of what a declaration takes, and the mocks read none of it.
resource._get_stack_trace = StackTrace  # noqa: SLF001 - see above


@dataclass(frozen=True)
class Recorded:
    """One resource as it was registered: its inputs in camelCase, and the whole request."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    request: Any

    @property
    def dependencies(self) -> set[str]:
        """The names of the resources that it is made after."""
        return {urn.rpartition("::")[2] for urn in self.request.dependencies}

    @property
    def parent(self) -> str:
        """The name of its parent."""
        return str(self.request.parent).rpartition("::")[2]


@dataclass
class Declared:
    """What a program declared, exported and said."""

    resources: list[Recorded] = field(default_factory=list)
    calls: list[mocks.MockCallArgs] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    exported: dict[str, Any] = field(default_factory=dict)
    messages: list[tuple[str, str]] = field(default_factory=list)

    def of(self, kind: str) -> list[Recorded]:
        """Return the resources of a type, named by its last part or whole."""
        return [resource for resource in self.resources if resource.type == kind or resource.type.endswith(f":{kind}")]

    def one(self, kind: str, suffix: str = "") -> Recorded:
        """Return the only resource of a type, or the one whose name ends in ``suffix``."""
        found = [resource for resource in self.of(kind) if resource.name.endswith(suffix)]
        assert len(found) == 1, f"{[resource.name for resource in found]} of {kind} with {suffix!r}"
        return found[0]

    def warnings(self) -> list[str]:
        """Return what was said at level warning."""
        return [message for level, message in self.messages if level == "WARNING"]


Calls = Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]


class _Mocks(mocks.Mocks):
    """AWS, as far as a program sees it: what it computes for a resource, and the answers to foreseen calls."""

    def __init__(self, declared: Declared, calls: Calls, *, made: bool) -> None:
        self.declared = declared
        self.answers = calls
        self.made = made

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if not args.custom:
            return None, dict(args.inputs)
        if not self.made:
            return "", dict(args.inputs)
        given_name = args.inputs.get("name", args.name)
        return f"{args.name}-id", {**args.inputs, **computed(args.typ, given_name)}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        self.declared.calls.append(args)
        if args.token not in self.answers:
            _unforeseen(args.token)
        return dict(self.answers[args.token](args.args)), []


def _unforeseen(token: str) -> NoReturn:
    raise NotImplementedError(f"an unforeseen call of {token}")


class _Monitor(mocks.MockMonitor):
    def __init__(self, declared: Declared, answers: _Mocks) -> None:
        super().__init__(answers)
        self.declared = declared

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - generated messages, the engine's call
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            inputs = pulumi.runtime.rpc.deserialize_properties(request.object)
            self.declared.resources.append(Recorded(request.type, request.name, inputs, request))
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - generated messages, the engine's call
        self.declared.outputs[request.urn.rpartition("::")[2]] = pulumi.runtime.rpc.deserialize_properties(
            request.outputs,
        )
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


class _Said(logging.Handler):
    def __init__(self, declared: Declared) -> None:
        super().__init__()
        self.declared = declared

    def emit(self, record: logging.LogRecord) -> None:
        self.declared.messages.append((record.levelname, record.getMessage()))


def declare(
    program: Callable[[], object],
    calls: Calls | None = None,
    *,
    preview: bool = False,
    made: bool = True,
    project: str = "streaming",
) -> Declared:
    """Run ``program`` as the engine would and return what it declared.

    A preview is one of a stack that exists, unless nothing of it was ``made``.

    Raises:
        Exception: whatever the program raises, in an ``apply`` too.
    """
    declared = Declared()
    answers = _Mocks(declared, calls or {}, made=made)
    logger = logging.Logger("engine")  # noqa: LOG001 - one for each program, known to nobody else
    logger.addHandler(_Said(declared))
    pulumi.runtime.settings.ROOT.set(None)
    pulumi.runtime.set_mocks(
        answers,
        project=project,
        stack="dev",
        preview=preview,
        logger=logger,
        monitor=_Monitor(declared, answers),
    )

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> pulumi.Output[None]:
        program()
        stack = cast("Stack", pulumi.runtime.get_root_resource())
        return pulumi.Output.all(**stack.outputs).apply(declared.exported.update)

    run()
    assert declared.resources, "the recorder saw no resource at all"
    return declared


def computed(kind: str, name: str) -> dict[str, Any]:
    """Return the outputs that AWS computes for a resource."""
    made = _COMPUTED.get(kind)
    return made(name) if made else {}


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def _function(name: str) -> dict[str, Any]:
    arn = _arn("lambda", f"function:{name}")
    path = f"functions/{arn}/response-streaming-invocations"
    return {
        "name": name,
        "arn": arn,
        "responseStreamingInvokeArn": f"arn:aws:apigateway:{REGION}:lambda:path/2021-11-15/{path}",
    }


_COMPUTED: dict[str, Callable[[str], dict[str, Any]]] = {
    "aws:lambda/function:Function": _function,
    "aws:cloudwatch/logGroup:LogGroup": lambda name: {"name": name, "arn": _arn("logs", f"log-group:{name}")},
    "aws:iam/role:Role": lambda name: {"name": name, "arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"},
    "aws:apigateway/restApi:RestApi": lambda name: {
        "name": name,
        "rootResourceId": "root",
        "executionArn": _arn("execute-api", f"{name}-id"),
    },
    "aws:apigateway/stage:Stage": lambda name: {
        "invokeUrl": f"https://{name.removesuffix('-stage')}-api-id.execute-api.{REGION}.amazonaws.com/v1",
        "arn": f"arn:aws:apigateway:{REGION}::/restapis/{name}/stages/v1",
    },
    "aws:sns/topic:Topic": lambda name: {"arn": _arn("sns", name), "name": name},
    "aws:cloudwatch/eventBus:EventBus": lambda name: {"arn": _arn("events", f"event-bus/{name}"), "name": name},
    "aws:dynamodb/table:Table": lambda name: {"arn": _arn("dynamodb", f"table/{name}"), "name": name},
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": lambda name: {
        "arn": _arn("firehose", f"deliverystream/{name}"),
        "name": name,
    },
    "aws:s3/bucket:Bucket": lambda name: {"arn": f"arn:aws:s3:::{name}", "bucket": name},
    "aws:apigateway/apiKey:ApiKey": lambda name: {"value": f"{name}-value"},
    "aws:apigateway/domainName:DomainName": lambda name: {
        "regionalDomainName": f"{name}.regional.example",
        "regionalZoneId": "ZREGIONAL",
        "cloudfrontDomainName": f"{name}.edge.example",
        "cloudfrontZoneId": "ZEDGE",
    },
}
