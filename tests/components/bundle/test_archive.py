"""The zip: the same bytes from the same inputs, what is in it and what is not, and that it runs."""

import gzip
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import botocore
import pytest

from components import VERSION
from components.bundle import Bundle, BundleError, Target
from components.bundle.target import HOST, running_python
from components.contract import SERVICES
from local.bedrock.server import Bedrock
from local.lambda_.deployment import Deployment
from local.lambda_.function import StartFailed
from local.twin import Twin
from tests.components.conftest import unpack
from tests.components.own_code import OwnCode, assert_own_classes_are_the_functions, write_preparing, write_wheel
from tests.loopback.environment import empty_environment
from tests.loopback.plugin import REACHED

REPOSITORY = Path(__file__).resolve().parents[3]
UNCHECKED_HASH = 0b01
AARCH64 = 183
"""The machine in an ELF header (ELF for the Arm 64-bit Architecture, "e_machine")."""


def test_two_builds_in_other_folders_at_other_times_give_the_same_bytes(tmp_path: Path, host_zip: Path) -> None:
    """Nothing of the folder, the time or the modes of the sources is in the zip."""
    for folder in ("components", "function"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in tmp_path.rglob("*.py"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o600)
    _run("-m", "components.bundle", "--host", folder=tmp_path)
    elsewhere = tmp_path / "dist" / "function-host.zip"
    assert hashlib.sha256(elsewhere.read_bytes()).hexdigest() == hashlib.sha256(host_zip.read_bytes()).hexdigest()


def _run(*arguments: str, folder: Path, **environment: str) -> str:
    """Run this Python and return what it said."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_zip_names_its_build(shipped_zip: Path, host_zip: Path) -> None:
    """The version and seven digits of a hash, the same for every target."""
    names = set()
    for path in (shipped_zip, host_zip):
        with zipfile.ZipFile(path) as opened:
            names.add(opened.read("function/build.txt").decode())
    [name] = names
    assert re.fullmatch(rf"{re.escape(VERSION)}\+[0-9a-f]{{7}}", name)


BUILD_NAME = "from components.bundle.archive import build_name; print(build_name())"


@pytest.mark.parametrize(
    ("changed", "renamed"),
    [
        ("function/schema.py", True),
        ("function/bootstrap", True),
        ("function/requirements.txt", True),
        ("function/requirements.lock", True),
        ("components/options.py", False),
        ("components/bundle/archive.py", False),
        ("docs/wire.md", False),
    ],
)
def test_only_a_change_of_the_functions_own_sources_renames_the_build(
    tmp_path: Path,
    changed: str,
    renamed: bool,
) -> None:
    for folder in ("components", "function", "docs"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    before = _run("-c", BUILD_NAME, folder=tmp_path, PYTHONPATH=str(tmp_path))
    with (tmp_path / changed).open("a") as file:
        file.write("\n# one more line\n")
    assert (_run("-c", BUILD_NAME, folder=tmp_path, PYTHONPATH=str(tmp_path)) != before) is renamed


def test_the_users_modules_do_not_rename_the_build(
    own_code: OwnCode, cache: Path, host_zip: Path, tmp_path: Path
) -> None:
    Bundle(Target.host(), cache, own_code.folder, own_code.requirements, own_code.report).stage(tmp_path)
    with zipfile.ZipFile(host_zip) as opened:
        assert (tmp_path / "function" / "build.txt").read_bytes() == opened.read("function/build.txt")


def test_a_second_build_takes_the_first_ones_result(host_zip: Path, cache: Path) -> None:
    output: list[str] = []
    assert Bundle(Target.host(), cache, report=output.append).build() == host_zip
    assert output == []


def test_the_bootstrap_stands_at_the_root_and_can_be_executed(shipped_zip: Path) -> None:
    with zipfile.ZipFile(shipped_zip) as opened:
        modes = {entry.filename: entry.external_attr >> 16 for entry in opened.infolist()}
    assert modes["bootstrap"] == 0o100755
    assert "function/bootstrap" not in modes
    assert {mode for name, mode in modes.items() if name != "bootstrap"} == {0o100644}


def test_no_date_owner_or_installers_note_is_in_the_zip(shipped_zip: Path) -> None:
    with zipfile.ZipFile(shipped_zip) as opened:
        entries = opened.infolist()
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert not [entry.filename for entry in entries if entry.filename.endswith(("/RECORD", "/INSTALLER"))]
    assert len({entry.filename for entry in entries}) == len(entries)


def test_every_module_has_bytecode_that_needs_no_look_at_its_source(shipped_zip: Path) -> None:
    """PEP 552: flags 1 are a hash that is not checked."""
    with zipfile.ZipFile(shipped_zip) as opened:
        names = set(opened.namelist())
        tag = sys.implementation.cache_tag
        compiled = {
            name: opened.read(name)[:8] for name in names if name.endswith(f".{tag}.pyc") and "/__pycache__/" in name
        }
    assert set(compiled.values()) == {MAGIC_NUMBER + struct.pack("<I", UNCHECKED_HASH)}
    ours = {name for name in names if name.startswith("function/") and name.endswith(".py")}
    folder_and_name = [name.rpartition("/") for name in ours]
    assert {f"{folder}/__pycache__/{name[:-3]}.{tag}.pyc" for folder, _, name in folder_and_name} <= set(compiled)


def test_the_bytecode_has_the_lines_of_the_source_and_not_its_columns(task_root: Path) -> None:
    program = """
import function.stream.record, pydantic.main
for code in (function.stream.record.finished.__code__, pydantic.main.BaseModel.model_validate.__code__):
    lines, columns = {line for *_, line in code.co_lines()}, {place[2] for place in code.co_positions()}
    print(code.co_firstlineno in lines, columns)
"""
    output = _run("-P", "-s", "-S", "-c", program, folder=task_root, PYTHONPATH=str(task_root))
    assert output.splitlines() == 2 * ["True {None}"]


def test_botocore_knows_the_services_in_use_and_no_other(task_root: Path) -> None:
    program = f"""
import boto3
for service in {SERVICES!r}:
    boto3.client(service, region_name="eu-central-1")
print(sorted(boto3.Session().get_available_services()))
"""
    output = _run("-P", "-s", "-S", "-c", program, folder=task_root, PYTHONPATH=str(task_root))
    assert output.strip() == str(sorted(SERVICES))


ADDED = ("s3", "bedrock-agent-runtime", "cloudwatch")
"""Services of a user's: one with resources, a new one, and one that has another name in the list of endpoints."""


@pytest.fixture(scope="module")
def root_with_services(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that describes these services too, unpacked."""
    root = tmp_path_factory.mktemp("services")
    unpack(Bundle(Target.host(), cache, report=lambda _: None, services=ADDED).build(), root)
    return root


def test_the_bundle_describes_the_services_that_are_added(root_with_services: Path) -> None:
    described = sorted([*SERVICES, *ADDED])
    program = f"""
import boto3
for service in {described!r}:
    boto3.client(service, region_name="eu-central-1")
print(boto3.resource("s3", region_name="eu-central-1").meta.service_name, boto3.Session().get_available_services())
"""
    output = _run("-P", "-s", "-S", "-c", program, folder=root_with_services, PYTHONPATH=str(root_with_services))
    assert output.strip() == f"s3 {described}"


def test_descriptions_of_services_have_no_texts_for_people_and_are_complete_otherwise(root_with_services: Path) -> None:
    def read(path: Path) -> object:
        packed = path.read_bytes()
        return json.loads(gzip.decompress(packed) if path.suffix == ".gz" else packed, object_hook=without_texts)

    def without_texts(members: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in members.items() if name != "documentation" or isinstance(value, dict)}

    ours, complete = root_with_services / "botocore" / "data", Path(botocore.__file__).parent / "data"
    described = {path.relative_to(ours) for path in ours.glob("*/*/*.json")}

    assert [path for path in described if read(ours / path) != read(_packed(complete / path))] == []
    assert len({path.parts[0] for path in described}) == len({*SERVICES, *ADDED})
    assert sum((ours / path).stat().st_size for path in described) < 1_500_000


def _packed(description: Path) -> Path:
    packed = description.with_name(f"{description.name}.gz")
    return packed if packed.exists() else description


def test_services_that_are_there_already_add_nothing(cache: Path) -> None:
    folders = [
        Bundle(Target.host(), cache, services=services).wheels.folder
        for services in [(), ("sns", "sts"), ("s3",), ("sns", "s3"), ("s3", "sns", "sqs"), ("sqs", "s3")]
    ]
    assert folders[0] == folders[1]
    assert folders[2] == folders[3]
    assert folders[4] == folders[5]
    assert len({*folders}) == 3


@pytest.mark.usefixtures("host_zip")  # for which botocore's list is kept
@pytest.mark.parametrize(("name", "near"), [("s33", "s3"), ("bedrock-agents-runtime", "bedrock-agent-runtime")])
def test_a_service_that_does_not_exist_is_named_with_the_nearest_ones(cache: Path, name: str, near: str) -> None:
    bundle = Bundle(Target.host(), cache, report=lambda _: None, services=("s3", name))
    message = rf"^services: botocore has no AWS service '{name}'\. Did you mean (\S+ or )*{near}[ ?]"
    with pytest.raises(BundleError, match=message):
        bundle.build()


@pytest.mark.parametrize(("unpacked", "services"), [("task_root", SERVICES), ("root_with_services", ADDED)])
def test_botocore_finds_the_same_endpoints_as_with_its_complete_list(
    request: pytest.FixtureRequest, unpacked: str, services: Sequence[str]
) -> None:
    """For every service in use, in every region of every partition, and in a region that is not known yet."""
    root: Path = request.getfixturevalue(unpacked)
    program = f"""
import botocore.session
session = botocore.session.get_session()
endpoints = session.get_component("endpoint_resolver")
for partition in session.get_available_partitions():
    regions = session.get_available_regions("dynamodb", partition) + ["eu-west-99"]
    for service in {services!r}:
        print(partition, service, session.get_available_regions(service, partition, allow_non_regional=True))
        print([endpoints.construct_endpoint(service, region) for region in regions])
"""
    shipped = _run("-P", "-s", "-S", "-c", program, folder=root, PYTHONPATH=str(root))

    assert shipped == _run("-P", "-c", program, folder=root)
    assert (root / "botocore/data/endpoints.json").stat().st_size < 100_000


def test_the_shipped_zip_is_the_one_that_was_run_but_for_native_parts(shipped_zip: Path, host_zip: Path) -> None:
    """File by file; native parts differ, and are of the machine and the Python that will run them."""
    with zipfile.ZipFile(shipped_zip) as shipped, zipfile.ZipFile(host_zip) as host:
        native = {name for name in shipped.namelist() if name.endswith(".so")}
        here = {name for name in host.namelist() if name.endswith(".so")}
        assert len(native) == len(here) == 1
        native_wheel = {name for name in shipped.namelist() if name.startswith("pydantic_core-")}
        assert set(shipped.namelist()) - native == set(host.namelist()) - here
        same = set(shipped.namelist()) - native - native_wheel
        assert [name for name in sorted(same) if shipped.read(name) != host.read(name)] == []
        for name in native:
            (machine,) = struct.unpack_from("<H", shipped.read(name), 18)
            assert machine == AARCH64
            assert f".cpython-{running_python().replace('.', '')}-aarch64-" in name


def test_the_zip_is_small_enough_for_a_direct_upload(shipped_zip: Path) -> None:
    """Lambda takes 50 MB so; what we ship is a sixth of it, unpacked a tenth of Lambda's 250 MB."""
    assert shipped_zip.stat().st_size < 7_700_000
    with zipfile.ZipFile(shipped_zip) as opened:
        assert sum(entry.file_size for entry in opened.infolist()) < 25_000_000


def test_the_unpacked_zip_serves_in_the_twin(task_root: Path) -> None:
    """Started as Lambda starts it: the bootstrap, Lambda's variables, nothing else."""
    bedrock = Bedrock()
    try:
        with Twin(bedrock, Deployment(task_root)) as twin, twin.post({"prompt": "Why?"}, "application/json") as reply:
            body = b"".join(reply.chunks())
            assert reply.status == 200, body
    finally:
        bedrock.close()


CALLING = """
import boto3
from pydantic import BaseModel
search = boto3.client("bedrock-agent-runtime")
class Invoice(BaseModel):
    number: str
"""


@pytest.mark.parametrize("unpacked", ["task_root", "root_with_services"])
def test_a_client_in_a_module_is_made_only_if_the_bundle_describes_its_service(
    request: pytest.FixtureRequest, tmp_path: Path, unpacked: str
) -> None:
    """Started as Lambda starts it; the sentence names the argument."""
    (tmp_path / "schemas.py").write_text(CALLING)
    root: Path = request.getfixturevalue(unpacked)
    added = ",".join(ADDED) if unpacked == "root_with_services" else ""
    variables = {"PYTHONPATH": str(tmp_path), "LLM_SCHEMA": "schemas:Invoice", "LLM_SERVICES": added}
    with Bedrock() as bedrock, Twin(bedrock, Deployment(root, variables)) as twin:
        if added:
            twin.function.start()
            return
        with pytest.raises(StartFailed) as failed:
            twin.function.start()
    sentence = "the bundle does not describe the AWS service 'bedrock-agent-runtime': add it to the argument services"
    assert str(failed.value) == sentence


def test_own_modules_and_their_packages_lie_at_the_root(own_code: OwnCode, cache: Path) -> None:
    archive = Bundle(Target.host(), cache, own_code.folder, own_code.requirements, own_code.report).build()
    with zipfile.ZipFile(archive) as opened:
        names = set(opened.namelist())
    bytecode = f"__pycache__/schemas.{sys.implementation.cache_tag}.pyc"
    assert {"schemas.py", "inner/data.txt", "money_for_the_test.py", bytecode} <= names
    assert not [name for name in names if "hidden" in name or "venv" in name]


def test_from_a_bundle_the_function_recognizes_what_own_modules_give_and_raise(tmp_path: Path, cache: Path) -> None:
    write_preparing(tmp_path / "code")
    unpack(Bundle(Target.host(), cache, tmp_path / "code").build(), tmp_path / "root")
    assert_own_classes_are_the_functions(tmp_path / "root")


@pytest.fixture
def bundle_of(tmp_path: Path, cache: Path) -> Callable[[str, str], Bundle]:
    """A bundle for this machine with one module of the user's."""

    def make(name: str, text: str) -> Bundle:
        (tmp_path / name).write_text(text)
        return Bundle(Target.host(), cache, tmp_path)

    return make


@pytest.mark.parametrize("name", ["pydantic.py", "function.py", "boto3.py", "streaming_llm_api.py"])
def test_a_module_that_would_hide_a_needed_one_is_named(name: str, bundle_of: Callable[[str, str], Bundle]) -> None:
    with pytest.raises(BundleError, match=rf"^code: rename {name} in .*: the function needs a module of that name"):
        bundle_of(name, "").build()


IMPORTING = """
import function.endpoint
import streaming_llm_api
from streaming_llm_api.endpoint import Prompt

print(Prompt is function.endpoint.Prompt, hasattr(streaming_llm_api, "second_copy"))
"""


def test_the_bundle_has_one_function_whatever_the_requirements_bring(tmp_path: Path, cache: Path) -> None:
    second = {
        "streaming_llm_api/__init__.py": "second_copy = 1",
        "streaming_llm_api/function/endpoint.py": "Prompt = 1",
    }
    write_wheel(tmp_path / "wheels", "streaming_llm_api", "py3-none-any", second)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"--find-links {tmp_path / 'wheels'}\nstreaming-llm-api==1.0\n")
    bundle = Bundle(Target.host(), cache, None, requirements, report=lambda _: None)
    with zipfile.ZipFile(bundle.build()) as opened:
        names = {name for name in opened.namelist() if "streaming_llm_api" in name and not name.endswith(".pyc")}
        opened.extractall(tmp_path / "root")
    assert names == {"streaming_llm_api/__init__.py", "streaming_llm_api/endpoint.py"}
    root = str(tmp_path / "root")
    assert _run("-P", "-s", "-S", "-c", IMPORTING, folder=tmp_path, PYTHONPATH=root).split() == ["True", "False"]


def test_a_module_that_is_not_python_is_named(bundle_of: Callable[[str, str], Bundle]) -> None:
    with pytest.raises(BundleError, match=r"^code: schemas\.py: .*invalid syntax"):
        bundle_of("schemas.py", "class Invoice(BaseModel) pass").build()


def test_a_changed_module_gives_another_zip(bundle_of: Callable[[str, str], Bundle]) -> None:
    assert bundle_of("schemas.py", "A = 1").digest() != bundle_of("schemas.py", "A = 2").digest()


def test_a_missing_wheel_is_a_sentence_with_its_name(tmp_path: Path, cache: Path) -> None:
    """A package that has wheels, but none for the target."""
    write_wheel(tmp_path / "wheels", "only_elsewhere_for_the_test", "cp311-cp311-win_amd64", {})
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"--find-links {tmp_path / 'wheels'}\nonly-elsewhere-for-the-test==1.0\n")
    output: list[str] = []
    bundle = Bundle(Target("3.13", "arm64"), cache, tmp_path, requirements, report=output.append)
    message = r"^requirements: only-elsewhere-for-the-test==1\.0 has no wheel for Python 3\.13 on arm64\."
    with pytest.raises(BundleError, match=message):
        bundle.build()
    assert output[-1] == "Collecting wheels for Python 3.13 on arm64. This takes some seconds, once …"


def test_missing_files_are_named(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(BundleError, match=r"^code: .*nowhere is not a folder"):
        Bundle(Target.host(), cache, tmp_path / "nowhere").build()
    with pytest.raises(BundleError, match=r"^requirements: .*none\.txt is not a file"):
        Bundle(Target.host(), cache, tmp_path, tmp_path / "none.txt").build()


def test_a_change_in_an_included_requirement_file_is_seen(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r more.txt\n")
    digests = set()
    for text in ("# one\n", "# two\n"):
        (tmp_path / "more.txt").write_text(text)
        digests.add(Bundle(Target.host(), cache, tmp_path / "code", tmp_path / "requirements.txt").wheels.folder)
    assert len(digests) == 2


@pytest.mark.parametrize(("python", "architecture"), [("3.10", "arm64"), ("3.15", "x86_64"), ("3.13", "riscv")])
def test_lambda_gets_only_what_it_can_run(python: str, architecture: str) -> None:
    with pytest.raises(BundleError):
        Target(python, architecture)
    assert Target(python, HOST).python == python


def _without_pip(folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    """Run the build where ``-S`` hides pip from Python."""
    shutil.copytree(REPOSITORY / "function", folder / "function", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "components", folder / "components", ignore=shutil.ignore_patterns("__pycache__"))
    return subprocess.run(
        [sys.executable, "-S", "-m", "components.bundle"],
        cwd=folder,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_bundle_needs_neither_pulumi_nor_a_virtual_environment(
    tmp_path: Path, shipped_zip: Path, cache: Path
) -> None:
    """A Python without a single package; what was collected already spares it pip, and a uv that would fail."""
    for folder in ("components", "function"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "bundle").symlink_to(cache)
    bare = empty_environment(tmp_path / "bare", REACHED)
    (tmp_path / "uv").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "uv").chmod(0o755)
    subprocess.run(
        ["make", "bundle", f"PYTHON={bare}"],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        check=True,
    )
    assert (tmp_path / "dist" / "function.zip").read_bytes() == shipped_zip.read_bytes()


def test_without_pip_and_uv_a_sentence_says_what_to_install(tmp_path: Path) -> None:
    done = _without_pip(tmp_path / "repository", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Install pip for {sys.executable}, or uv: ")
    assert "Traceback" not in done.stderr


def test_without_pip_uv_collects_the_wheels_of_the_target(tmp_path: Path) -> None:
    """A scripted uv says how it was called, and the build passes its complaint on."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "uv").write_text('#!/bin/sh\necho "called: $*" >&2\nexit 2\n')
    (tools / "uv").chmod(0o755)
    done = _without_pip(tmp_path / "repository", str(tools))
    assert done.stderr.startswith(
        f"requirements: uv could not collect the wheels for Python {running_python()} on arm64:"
    )
    assert "--only-binary=:all: --python-platform=aarch64-manylinux_2_" in done.stderr
    assert f"--python-version={running_python()}" in done.stderr


def test_a_python_that_is_not_at_hand_costs_the_bytecode_and_says_so(cache: Path) -> None:
    """What is said before anything is collected."""

    def stop(line: str) -> None:
        raise InterruptedError(line)

    message = "Python 3.99 is not installed, so the bundle has no bytecode: a cold start takes about 0.3 s longer."
    with pytest.raises(InterruptedError, match=message):
        Bundle(Target("3.99", HOST), cache, report=stop).wheels.collect()
