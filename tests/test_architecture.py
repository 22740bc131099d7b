"""Imports point one way: handler → aws → stream → partials → pydantic.

The twin speaks bytes, and cannot agree by accident.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYDANTIC = frozenset({"pydantic", "pydantic_core"})
AWS_LIBRARIES = frozenset({"boto3", "botocore", "urllib3", "aws_lambda_powertools"})

MAY_IMPORT = {
    "function/partials": PYDANTIC | {"function.partials"},
    "function/stream": {"function.stream", "function.partials", "function.contract", "function.values"},
    "function/stream/record.py": {
        "function.stream",
        "function.contract",
        "function.endpoint.Caller",
        "function.values",
    },
    "function/aws": AWS_LIBRARIES
    | PYDANTIC
    | {"function.aws", "function.stream", "function.contract", "function.partials.changes"},
    "function/aws/gateway.py": {"function.stream"},
    "function/aws/caller.py": {"function.contract", "function.endpoint"},
    "function/aws/bedrock": AWS_LIBRARIES
    | {
        "function.aws.bedrock",
        "function.stream",
        "function.contract",
        "function.conversation",
        "function.claude",
        "function.model_settings",
    },
    "function/aws/logs.py": {"function.stream", "function.version", "function.aws.output"},
    "function/aws/output.py": set[str](),
    "function/aws/termination.py": {"function.stream.interruption"},
    "function/aws/services.py": {"botocore", "function.contract"},
    "function/aws/uncaught.py": set[str](),
    "function/aws/runtime": PYDANTIC
    | {
        "function.aws.runtime",
        "function.contract",
        "function.stream",
        "function.aws.gateway",
        "function.aws.logs",
        "function.aws.output",
        "function.aws.services",
        "function.aws.termination",
        "function.aws.trace",
        "function.aws.uncaught",
    },
    "function/claude.py": {"function.contract"},
    "function/model_settings.py": {"function.claude", "function.contract"},
    "function/endpoint.py": PYDANTIC | {"function.media", "function.values"},
    "function/media.py": set[str](),
    "function/values.py": set[str](),
    "function/conversation.py": {"function.endpoint"},
    "function/history.py": {"function.conversation", "function.media", "function.stream.record"},
    "function/carried.py": PYDANTIC | {"function.endpoint"},
    "function/version.py": {"function.contract"},
    "function/schema.py": PYDANTIC | {"function.endpoint"},
    "function/contract.py": set[str](),
    "function/arguments.py": {"function.contract"},
    "function/answer_type.py": PYDANTIC | {"function.user_code", "function.partials"},
    "function/routes.py": {"function.contract"},
    "function/user_code.py": PYDANTIC | {"function.contract"},
    "function/example.py": PYDANTIC | {"function.contract", "function.routes", "function.user_code"},
    "function/prepare.py": PYDANTIC
    | {"function.conversation", "function.endpoint", "function.request", "function.stream"},
    "function/event_loop.py": {"function.stream"},
    "function/own_code.py": {
        "function.event_loop",
        "function.own_stages",
        "function.prepare",
        "function.stream",
        "function.user_code",
    },
    "function/own_stages.py": {"function.stream", "function.user_code"},
    "function/cors.py": {"function.contract"},
    "function/request.py": PYDANTIC
    | {
        "function.carried",
        "function.contract",
        "function.conversation",
        "function.cors",
        "function.endpoint",
        "function.aws.gateway",
        "function.partials.changes",
        "function.stream.errors",
        "function.stream.interruption",
        "function.stream.negotiation",
    },
    "function/handler.py": PYDANTIC | AWS_LIBRARIES | {"function"},
}
"""What each part may import beside the standard library; the longest name that fits a file counts."""
PULUMI = frozenset({"pulumi", "pulumi_aws"})
COMPONENT_MAY_IMPORT = {
    "components": PULUMI | {"components"},
    "components/contract.py": {
        "function.arguments",
        "function.claude",
        "function.contract",
        "components.function.arguments",
        "components.function.claude",
        "components.function.contract",
    },
    "components/endpoint.py": {
        "function.endpoint",
        "function.stream.record",
        "components.function.endpoint",
        "components.function.stream.record",
    },
    "components/bundle": {
        "components.bundle",
        "components.contract.ROUTES_FILE",
        "components.contract.SERVICES",
        "components.contract.VERSION",
    },
    "components/iam": {"components.iam"},
    "components/values.py": {"pulumi", "components.contract"},
    "components/arguments.py": {"pulumi", "components.contract"},
    "components/trial/inspection.py": PYDANTIC | {"function"},
}
"""The same for the component. ``inspection.py`` runs in the process of the function, and nothing imports it."""
LOCAL_MAY_IMPORT = {
    "local": {"local"},
    "local/http11": {"local.http11"},
    "local/growing.py": {"local.client", "local.terminal", "streaming_llm_client"},
    "local/journal.py": set[str](),
    "local/changes.py": set[str](),
    "local/terminal.py": set[str](),
    "local/resources.py": set[str](),
    "local/cli.py": {"local.resources", "local.terminal"},
    "local/arguments.py": set[str](),
    "local/configuration.py": {
        "local.arguments",
        "local.cli",
        "function.arguments",
        "function.claude",
        "function.contract",
        "ruamel.yaml",
    },
    "local/client.py": {"local.http11"},
    "local/lambda_": {"local.lambda_", "local.http11", "local.journal"},
    "local/gateway": {"local.gateway", "local.lambda_", "local.http11", "local.journal"},
    "local/bedrock": {"local.bedrock", "local.http11"},
    "local/models": {"local.models", "local.bedrock", "local.client", "local.resources", "local.terminal"},
    "local/playground/endings.py": {
        "local.bedrock",
        "local.lambda_.invocation",
        "local.models.scripted",
    },
    "local/playground/server.py": {"local.playground", "local.http11", "local.twin"},
    "local/models/embedded.py": {"local.models", "local.bedrock", "xllamacpp"},
}
"""The same for the local stack, which imitates AWS with the standard library alone. ``configuration.py`` alone knows
the settings of the function that is started; no stand-in imports it."""
CLIENT = "clients.python.streaming_llm_client"
CLIENT_MAY_IMPORT = {
    "clients/python": {CLIENT, "httpx", "pydantic", "pydantic_core", "typing_extensions"},
    "clients/python/streaming_llm_client/framing.py": set[str](),
    "clients/python/streaming_llm_client/growing.py": set[str](),
    "clients/python/streaming_llm_client/terminal.py": {f"{CLIENT}.growing"},
    "clients/python/streaming_llm_client/rich_view.py": {f"{CLIENT}.growing", f"{CLIENT}.terminal", "rich"},
    "clients/python/streaming_llm_client/cli.py": {CLIENT, "httpx", "rich"},
}
"""The same for the Python client, which is a distribution of its own."""
OPENAPI_MAY_IMPORT = {
    "openapi/__init__.py": set[str](),
    "openapi/__main__.py": {
        "local.cli",
        "local.program",
        "local.resources",
        "local.terminal",
        "local.twin",
    },
    "openapi/document.py": PYDANTIC
    | {
        "function.answer_type",
        "function.contract",
        "function.routes",
        "function.stream",
        "function.user_code",
        "streaming_llm_client.events",
    },
}
"""The same for the OpenAPI documents, which describe what the function and the client have in common."""
LIBRARIES = frozenset({"function/partials/__init__.py"})
LAST = frozenset({"function.handler", "function.aws.runtime"})
"""Where everything ends: nothing imports these."""

SHARED_WITH_CHECKS = (
    "local.changes",
    "local.cli",
    "local.client",
    "local.example",
    "local.resources",
    "local.terminal",
)
"""What ``verify`` uses of ``local``."""


def sources(*folders: str) -> list[str]:
    """Return the Python files of ``folders``, relative to the project."""
    return sorted(str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imports(file: str) -> Iterator[str]:
    """Yield the full names of all modules and members that ``file`` imports, except for types alone."""
    package = file.removesuffix(".py").split("/")[:-1]
    waiting: list[ast.AST] = [ast.parse((ROOT / file).read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            waiting += ast.iter_child_nodes(node)


def within(name: str, part: str) -> bool:
    """Tell whether the module or member ``name`` is ``part`` or lies in it."""
    return f"{name}.".startswith(f"{part}.")


@pytest.mark.parametrize("file", [file for file in sources("function") if not file.endswith("__init__.py")])
def test_the_arrows_point_one_way(file: str) -> None:
    """Every file imports the standard library and what its part may, nothing else."""
    allowed = MAY_IMPORT[max((part for part in MAY_IMPORT if file.startswith(part)), key=len)]
    foreign = [module for module in imports(file) if module.split(".")[0] not in sys.stdlib_module_names]
    assert [module for module in foreign if not any(within(module, part) for part in allowed)] == []


@pytest.mark.parametrize("file", sources("components"))
def test_the_component_reads_the_function_through_one_file(file: str) -> None:
    allowed = COMPONENT_MAY_IMPORT[max((part for part in COMPONENT_MAY_IMPORT if file.startswith(part)), key=len)]
    foreign = [module for module in imports(file) if module.split(".")[0] not in sys.stdlib_module_names]
    assert [module for module in foreign if not any(within(module, part) for part in allowed)] == []
    assert not [module for module in foreign if within(module, "components.trial.inspection")]
    if file not in {"components/contract.py", "components/endpoint.py"}:
        assert not [module for module in foreign if within(module, "components.function")]


@pytest.mark.parametrize("file", sources("function", "local", "components"))
def test_nothing_imports_the_handler_or_the_runtime(file: str) -> None:
    """The folder of the runtime can be deleted the day that AWS streams Python itself."""
    own = file.startswith("function/aws/runtime/")
    others = LAST - {"function.aws.runtime"} if own else LAST
    assert [module for module in imports(file) if any(within(module, last) for last in others)] == []


@pytest.mark.parametrize("file", sources("local"))
def test_the_rooms_of_the_local_stack_import_one_way(file: str) -> None:
    allowed = LOCAL_MAY_IMPORT[max((part for part in LOCAL_MAY_IMPORT if file.startswith(part)), key=len)]
    foreign = [name for name in imports(file) if name.split(".")[0] not in sys.stdlib_module_names]
    assert [name for name in foreign if not any(within(name, part) for part in allowed)] == []


@pytest.mark.parametrize("file", sources("clients/python"))
def test_the_client_shares_no_code_with_the_endpoint(file: str) -> None:
    allowed = CLIENT_MAY_IMPORT[max((part for part in CLIENT_MAY_IMPORT if file.startswith(part)), key=len)]
    foreign = [name for name in imports(file) if name.split(".")[0] not in sys.stdlib_module_names]
    assert [name for name in foreign if not any(within(name, part) for part in allowed)] == []


@pytest.mark.parametrize("file", sources("openapi"))
def test_the_openapi_documents_are_made_of_the_parts_that_they_describe(file: str) -> None:
    foreign = [name for name in imports(file) if name.split(".")[0] not in sys.stdlib_module_names]
    assert [name for name in foreign if not any(within(name, part) for part in OPENAPI_MAY_IMPORT[file])] == []


@pytest.mark.parametrize("file", [file for file in sources("local", "verify") if file != "local/configuration.py"])
def test_the_twin_and_the_checks_from_outside_import_nothing_of_the_function(file: str) -> None:
    assert [module for module in imports(file) if within(module, "function")] == []


@pytest.mark.parametrize("file", sorted({*sources("local", "verify")} - {"local/launch.py", "local/program.py"}))
def test_only_what_starts_the_local_stack_reads_a_stacks_configuration(file: str) -> None:
    assert [name for name in imports(file) if within(name, "local.configuration")] == []


@pytest.mark.parametrize("file", sources("verify"))
def test_the_checks_from_outside_import_no_part_of_the_local_stack(file: str) -> None:
    """They share its HTTP client, its receiver of changes, how its commands begin and end, and what they send."""
    own = [name for name in imports(file) if within(name, "local") or within(name, "components")]
    assert [name for name in own if not any(within(name, shared) for shared in SHARED_WITH_CHECKS)] == []


@pytest.mark.parametrize("file", [file for file in sources("function") if file.endswith("__init__.py")])
def test_a_package_marker_imports_nothing(file: str) -> None:
    """An import that hides there would be everybody's. A library alone may name what it offers: its own files."""
    library = file.removesuffix("/__init__.py").replace("/", ".") if file in LIBRARIES else None
    assert [name for name in imports(file) if library is None or not within(name, library)] == []
