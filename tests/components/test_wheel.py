"""The component in someone else's program: the wheel in a clean environment, the examples from it, their bundle run."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import VERSION, StreamingLlmApiArgs
from components.contract import camel
from local.bedrock.script import Fragment, Stop, complete_answer
from local.bedrock.server import Bedrock
from local.lambda_.deployment import Deployment
from local.twin import Twin
from tests.components.conftest import CACHE, unpack
from tests.components.own_code import assert_own_classes_are_the_functions, write_preparing
from tests.examples.collector import Collector
from tests.loopback.environment import empty_environment
from tests.loopback.guard import INSTALLER_ALLOWED
from tests.loopback.plugin import REACHED

REPOSITORY = Path(__file__).resolve().parent.parent.parent
EXAMPLES = REPOSITORY / "examples"

PROGRAM = """
import json, runpy, sys
from recording import declare

declared = declare(lambda: runpy.run_path("__main__.py", run_name="__main__"))
found = [[resource.type, resource.name, {key: getattr(value, "path", value) for key, value in resource.inputs.items()}]
         for resource in declared.resources]
json.dump({"resources": found, "exported": sorted(declared.exported)}, sys.stdout)
"""

HOST_BUNDLE = """
import pathlib, sys
from streaming_llm_api.bundle import Bundle, Target

requirements = pathlib.Path("code-requirements.txt")
requirements = requirements if requirements.exists() else None
cache, code = pathlib.Path(".cache/bundle"), pathlib.Path("code")
print(Bundle(Target.host(), cache, code, requirements, report=lambda _: None).build())
"""


MYPY = """
[mypy]
strict = true
[mypy-pulumi_aws.*]
follow_imports = skip
[mypy-boto3.*,botocore.*,opentelemetry.exporter.*]
ignore_missing_imports = true
"""


@dataclass
class Elsewhere:
    """A clean environment with the wheel installed."""

    python: Path
    wheel: Path
    place: Path

    def run(self, program: str, folder: Path, **variables: str) -> str:
        """Run a program in ``folder``; only the installed packages and the recorder are on its path."""
        tools = self.place / "tools"
        done = subprocess.run(
            [self.python, "-P", "-c", program],
            cwd=folder,
            env={
                "PYTHONPATH": str(tools),
                "PATH": "/usr/bin:/bin",
                INSTALLER_ALLOWED: os.environ[INSTALLER_ALLOWED],
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def copied(self, example: str) -> Path:
        """Return a copy of an example, far from the repository, with the wheels that were collected already."""
        folder = self.place / example
        if not folder.exists():
            shutil.copytree(EXAMPLES / example, folder, ignore=shutil.ignore_patterns("__pycache__", ".cache", "venv"))
            (folder / ".cache").mkdir()
            (folder / ".cache" / "bundle").symlink_to(CACHE)
        return folder

    def declared(self, example: str) -> dict[str, Any]:
        """Run an example under the recorder, with the configuration of its stack if it has one."""
        folder = self.copied(example)
        config = {f"streaming:{key}": value for key, value in stack_of(folder).items()}
        found = json.loads(self.run(PROGRAM, folder, PULUMI_CONFIG=json.dumps(config)))
        assert isinstance(found, dict)
        return found


def stack_of(folder: Path) -> dict[str, str]:
    """Return the configuration of the stack ``dev``, without the project's name before each key."""
    file = folder / "Pulumi.dev.yaml"
    config = yaml.safe_load(file.read_text())["config"] if file.exists() else {}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    return {key.partition(":")[2]: text for key, text in texts.items() if not key.startswith("aws:")}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, host_zip: Path, shipped_zip: Path) -> Elsewhere:  # noqa: ARG001 - they fill the cache
    """Build the wheel and install it, with its dependencies and pip, where nothing else is.

    Most of what bundles consist of is in the cache already; pip collects what an example requires.
    """
    place = tmp_path_factory.mktemp("elsewhere")
    _pip("wheel", "--no-deps", f"--wheel-dir={place}", str(REPOSITORY))
    [wheel] = place.glob("*.whl")
    python = empty_environment(place / "venv", REACHED)  # this interpreter's pip fills it, in a third of the time
    _pip(f"--python={python}", "install", "--no-compile", "--no-warn-conflicts", "pip", f"{wheel}[pulumi]")
    (place / "tools").mkdir()
    shutil.copy(Path(__file__).parent / "recording.py", place / "tools")
    return Elsewhere(python, wheel, place)


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)


def test_the_wheel_gives_one_import_name(elsewhere: Elsewhere) -> None:
    with zipfile.ZipFile(elsewhere.wheel) as opened:
        names = set(opened.namelist())
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"streaming_llm_api"}
    assert "streaming_llm_api/py.typed" in names


def test_the_wheel_introduces_itself_with_the_readme_and_the_licence(elsewhere: Elsewhere) -> None:
    with zipfile.ZipFile(elsewhere.wheel) as opened:
        [metadata] = [name for name in opened.namelist() if name.endswith(".dist-info/METADATA")]
        assert opened.read(metadata).decode().endswith((REPOSITORY / "README.md").read_text())
        assert any(name.endswith("/LICENSE") for name in opened.namelist())


def test_the_wheel_has_every_source_of_the_function(elsewhere: Elsewhere) -> None:
    sources = {
        f"streaming_llm_api/{path.relative_to(REPOSITORY).as_posix()}"
        for path in (REPOSITORY / "function").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(elsewhere.wheel) as opened:
        names = set(opened.namelist())
    assert sources <= names
    assert not [name for name in names if "__pycache__" in name]


def test_neither_components_nor_function_is_a_top_level_name(elsewhere: Elsewhere) -> None:
    program = "import importlib.util as u; print([n for n in ('components', 'function', 'local') if u.find_spec(n)])"
    assert elsewhere.run(program, elsewhere.place).strip() == "[]"


def test_a_program_in_another_folder_declares_the_endpoint(elsewhere: Elsewhere) -> None:
    found = elsewhere.declared("own_schema")
    [function] = [inputs for kind, _, inputs in found["resources"] if kind.endswith(":Function")]
    variables = function["environment"]["variables"]
    assert variables["LLM_SCHEMA"] == "tickets:Triage"
    assert found["exported"] == ["ApiKey", "ApiUrl"]
    assert Path(function["code"]).is_relative_to(elsewhere.place / "own_schema" / ".cache")


def test_its_bundle_runs_in_the_twin(elsewhere: Elsewhere, tmp_path: Path) -> None:
    found = elsewhere.declared("own_schema")
    [function] = [inputs for kind, _, inputs in found["resources"] if kind.endswith(":Function")]
    variables = function["environment"]["variables"]
    folder = elsewhere.copied("own_schema")
    unpack(folder / elsewhere.run(HOST_BUNDLE, folder).strip(), tmp_path)
    answer = {"category": "bug", "urgency": 4, "summary": "It is down.", "next_steps": ["Restart it."]}
    bedrock = Bedrock()
    bedrock.play([Fragment(json.dumps(answer)), Stop("end_turn")])
    environment = {name: text for name, text in variables.items() if name.startswith("LLM_")}
    try:
        with Twin(bedrock, Deployment(tmp_path, environment)) as twin:
            with twin.post({"subject": "Down", "text": "Help!"}, "application/json") as reply:
                assert json.loads(b"".join(reply.chunks())) == answer
            with twin.post({"subject": "Down"}, "application/json") as reply:
                assert json.loads(b"".join(reply.chunks()))["code"] == "body_invalid"
    finally:
        bedrock.close()


def test_from_the_wheel_the_function_recognizes_what_own_modules_give_and_raise(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """In the bundle that the wheel builds, and in a team's own tests, which import the wheel."""
    write_preparing(tmp_path / "code")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "bundle").symlink_to(CACHE)
    unpack(tmp_path / elsewhere.run(HOST_BUNDLE, tmp_path).strip(), tmp_path / "root")
    assert_own_classes_are_the_functions(tmp_path / "root")
    program = """
import sys
sys.path.insert(0, "code")
import asking
from streaming_llm_api.endpoint import Prompt, Refused
from streaming_llm_api.function import endpoint

print(isinstance(asking.prepare(asking.Question(text="Why?"), None), Prompt), Prompt is endpoint.Prompt)
try:
    asking.prepare(asking.Question(text="Whose?"), None)
except Refused as refused:
    print(refused.code, Refused is endpoint.Refused)
"""
    assert elsewhere.run(program, tmp_path).splitlines() == ["True True", "not_yours True"]


def test_two_endpoints_share_nothing_but_the_account(elsewhere: Elsewhere) -> None:
    found = elsewhere.declared("two_endpoints")
    functions = {name: inputs for kind, name, inputs in found["resources"] if kind.endswith(":Function")}
    assert set(functions) == {"support-function", "marketing-function"}
    assert len({inputs["code"] for inputs in functions.values()}) == 2
    assert {inputs["environment"]["variables"]["LLM_SCHEMA"] for inputs in functions.values()} == {"answers:Answer"}


def test_the_traced_endpoint_sends_spans_to_the_collector_of_its_stack(elsewhere: Elsewhere, tmp_path: Path) -> None:
    """From the bundle, with the packages that the example requires."""
    variables = variables_of(elsewhere.declared("tracing"))
    folder = elsewhere.copied("tracing")
    unpack(folder / elsewhere.run(HOST_BUNDLE, folder).strip(), tmp_path)
    with Collector() as collector, Bedrock() as bedrock:
        bedrock.play(complete_answer('{"summary": "x", "keywords": []}'))
        deployment = Deployment(tmp_path, {**variables, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
        with Twin(bedrock, deployment) as twin, twin.post({"prompt": "Why?"}, "application/json") as reply:
            assert reply.json() == {"summary": "x", "keywords": []}
            twin.function.wait_until_idle()
    assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://localhost:4318"
    [span] = collector.spans
    assert span.name.startswith("chat ")
    assert collector.services == {"traced-endpoint"}


def test_the_evaluated_endpoint_may_publish_to_its_topic_and_captures_no_content(elsewhere: Elsewhere) -> None:
    found = elsewhere.declared("evaluation")
    variables = variables_of(found)
    [policy] = [inputs["policy"] for _, name, inputs in found["resources"] if name == "evaluated-may-own-code"]
    assert (variables["LLM_STAGE_CONTENT"], variables["LLM_CAPTURE_CONTENT"]) == ("true", "false")
    assert [statement["Resource"] for statement in json.loads(policy)["Statement"]] == [[variables["SCORES_TOPIC"]]]


def variables_of(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of the function that settings and own modules read."""
    [function] = [inputs for kind, _, inputs in found["resources"] if kind.endswith(":Function")]
    variables = function["environment"]["variables"]
    return {name: text for name, text in variables.items() if not name.startswith("AWS_")}


@pytest.mark.parametrize("example", ["chat", "invoice", "retrieval"])
def test_an_example_is_deployed_as_its_stack_says(elsewhere: Elsewhere, example: str) -> None:
    """The preview starts its function, and checks the example of its request class."""
    variables = variables_of(elsewhere.declared(example))
    stack = stack_of(EXAMPLES / example)
    assert (variables["LLM_REQUEST"], variables["LLM_SCHEMA"]) == (stack["request"], stack["schema"])


def test_the_wheel_reads_the_contract_inside_it(elsewhere: Elsewhere) -> None:
    """Also where a module of the user's has the name of the function's package."""
    folder = elsewhere.place / "shadowed"
    (folder / "function").mkdir(parents=True)
    (folder / "function" / "contract.py").write_text("raise SystemExit('the wrong function')")
    program = """
import sys
sys.path.insert(0, "")
import streaming_llm_api
from streaming_llm_api import contract
print(contract.IN_WHEEL, contract.Outcome.__module__, streaming_llm_api.VERSION, "pulumi" in sys.modules)
"""
    expected = f"True streaming_llm_api.function.contract {VERSION} False"
    assert elsewhere.run(program, folder).strip() == expected


BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"boto3", "botocore", "pulumi", "pulumi_aws"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
from streaming_llm_api.endpoint import Document, Image, Message, Prompt
print(Prompt([Message("user", ["Read it.", Document(b"words", "text/plain")])]).messages[0].role, Prompt.__module__)
try:
    from streaming_llm_api import StreamingLlmApi
except ImportError as error:
    print(error)
"""


def test_a_teams_own_modules_need_neither_pulumi_nor_boto3(elsewhere: Elsewhere) -> None:
    assert elsewhere.run(BLOCKED, elsewhere.place).splitlines() == [
        "user streaming_llm_api.function.endpoint",
        "StreamingLlmApi needs Pulumi: install streaming-llm-api[pulumi].",
    ]


TYPED = """
from typing import Literal, assert_type
from streaming_llm_api import VERSION, InvalidArgument, StreamingLlmApi, StreamingLlmApiArgs, arguments_from
from streaming_llm_api.arguments import StructuredOutput
from streaming_llm_api.bundle import Bundle, Target
from streaming_llm_api.contract import LONGEST_TIMEOUT, margin
from streaming_llm_api.endpoint import Image, Message, Prompt

print(VERSION + "")
assert_type(margin(LONGEST_TIMEOUT), float)
assert_type(StructuredOutput.NATIVE, Literal[StructuredOutput.NATIVE])
args: StreamingLlmApiArgs = {"structured_output": StructuredOutput.TOOL}
assert_type(Prompt([Message("user", [Image(b"")])]).instructions, str | None)
wrong_role = Message("system", "x")
wrong: StreamingLlmApiArgs = {"structured_output": 5}
also_wrong = StreamingLlmApi("llm", {"timeout": "long"})
missing = streaming_llm_api.Nothing
"""


def test_a_users_checker_sees_the_types_of_the_contract(elsewhere: Elsewhere) -> None:
    """Through the lazy names of the package and through both branches of its door to the function."""
    folder = elsewhere.place / "typed"
    folder.mkdir()
    (folder / "__main__.py").write_text(TYPED.replace("from typing", "import streaming_llm_api\nfrom typing", 1))
    done = _checked(elsewhere, folder)
    lines = TYPED.splitlines()
    wrong = [str(number) for number, line in enumerate(lines, 2) if "wrong" in line or "Nothing" in line]
    assert [line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line] == wrong, done.stdout


@pytest.mark.parametrize(
    "folder", sorted({path.parent.relative_to(EXAMPLES) for path in EXAMPLES.rglob("*.py")}), ids=str
)
def test_the_examples_pass_the_type_check_against_the_wheel(elsewhere: Elsewhere, folder: Path) -> None:
    """Programs and own modules, with what is installed there: so the wheel's own types are what a user's checker sees.

    The AWS provider's are left out: they take half a minute, and no argument has one of them. What modules of the
    examples require is installed in their bundles alone.
    """
    example, *inside = folder.parts
    done = _checked(elsewhere, elsewhere.copied(example).joinpath(*inside))
    assert done.returncode == 0, done.stdout


def _checked(elsewhere: Elsewhere, folder: Path) -> subprocess.CompletedProcess[str]:
    settings = elsewhere.place / "mypy.ini"
    settings.write_text(MYPY)
    return subprocess.run(
        [
            sys.executable,
            *("-m", "mypy", f"--config-file={settings}", f"--cache-dir={elsewhere.place / 'mypy'}"),
            *("--python-executable", str(elsewhere.python), *(path.name for path in sorted(folder.glob("*.py")))),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_yaml_program_sets_only_what_there_is() -> None:
    program = yaml.safe_load((EXAMPLES / "yaml_program" / "Pulumi.yaml").read_text())
    assert (EXAMPLES / "yaml_program" / program["packages"]["streaming-llm"] / "PulumiPlugin.yaml").is_file()
    [endpoint] = program["resources"].values()
    assert endpoint["type"] == "streaming-llm:index:StreamingLlmApi"
    assert set(endpoint["properties"]) <= {camel(name) for name in StreamingLlmApiArgs.__annotations__}
