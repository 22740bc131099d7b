"""What stands around the code: hooks, workflows, metadata and changelog agree with each other."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from components import VERSION
from scripts.release import NotReady, check

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
MAKEFILE = (ROOT / "Makefile").read_text()
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yml")}
CHANGELOG = (
    f"# Changelog\n\n## [{VERSION}] - 2026-12-01\n\n### Added\n\n- It.\n\n## [0.0.1] - 2026-11-01\n\n- Before.\n"
)


def recipe(target: str) -> list[str]:
    [found] = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    return [line.removeprefix("@") for line in found.strip().split("\n\t")]


def test_the_hooks_are_what_make_lint_runs() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook["entry"] for repository in config["repos"] for hook in repository["hooks"]]

    assert hooks == [line.replace("$(RUN)", ".venv/bin/python").replace("$(VENV)", ".venv") for line in recipe("lint")]


PROGRAMS = [
    path
    for folder in ("scripts", "docs", "bench", "capacity")
    for path in sorted((ROOT / folder).glob("*.py"))
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_program_reads_its_command_line_under_its_own_name(program: Path) -> None:
    """Its description is written for the terminal: a docstring has the marks of a docstring."""
    text = program.read_text(encoding="utf-8")
    name = program.parent.name if program.stem == "__main__" else f"{program.parent.name}.{program.stem}"

    assert f'prog="python -m {name}"' in text
    assert "__doc__" not in text


@pytest.mark.parametrize("name", ["capacity.__main__", "docs.record_demo", "scripts.browser", "scripts.lock"])
def test_help_does_nothing_else(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        import_module(name).main(["--help"])

    shown = capsys.readouterr().out
    assert end.value.code == 0
    assert shown.startswith(f"usage: python -m {name.removesuffix('.__main__')} ")
    assert "``" not in shown


def test_the_workflows_run_targets_that_there_are() -> None:
    """The same commands as a person runs."""
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    steps = [step for workflow in WORKFLOWS.values() for job in workflow["jobs"].values() for step in job["steps"]]
    commands = [command for step in steps if (command := step.get("run", "")).startswith("make ")]
    named = {word for command in commands for word in command.split()[1:] if word.replace("-", "").isalpha()}

    assert {"lint", "types", "test", "bundle", "release"} <= named <= targets


def used_of_the_provider(source: str) -> Iterator[tuple[str, str]]:
    """Yield service and name of each class and function of the AWS provider, such as ``("sns", "Topic")``."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(ast.Attribute(ast.Name("aws"), service), name):
                yield service, name


def test_the_type_checker_reads_what_is_used_of_the_aws_provider() -> None:
    """It skips the rest of that package, and a name in a module that it skips can be used in any way."""
    [read] = [row["module"] for row in PYPROJECT["tool"]["mypy"]["overrides"] if row.get("follow_imports") == "normal"]
    files = [*(ROOT / "components").rglob("*.py"), *(ROOT / "tests" / "components").rglob("*.py")]
    used = {each for file in files for each in used_of_the_provider(file.read_text(encoding="utf-8"))}
    modules = {f"pulumi_aws.{service}.{module_of(name)}" for service, name in used}

    assert "pulumi_aws.wafv2.web_acl_association" in modules
    assert [each for each in modules if not {each, f"{each.rpartition('.')[0]}.*"} & set(read)] == []


def module_of(name: str) -> str:
    """Return the module of a resource or a function of the provider by its name, such as ``web_acl_association``."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower().removesuffix("_output")


def test_ci_tests_every_python_that_the_package_names() -> None:
    classifiers = {name.rpartition(" :: ")[2] for name in PROJECT["classifiers"] if " :: Python :: 3." in name}

    assert set(WORKFLOWS["ci"]["jobs"]["test"]["strategy"]["matrix"]["python"]) == classifiers
    assert PROJECT["requires-python"] == f">={min(classifiers, key=lambda text: int(text.partition('.')[2]))}"


def test_only_the_jobs_that_publish_may_write() -> None:
    for workflow in WORKFLOWS.values():
        assert workflow["permissions"] == {"contents": "read"}
    wider = {name: job["permissions"] for name, job in WORKFLOWS["release"]["jobs"].items() if "permissions" in job}

    assert wider == {"publish": {"id-token": "write"}, "announce": {"contents": "write"}}


def test_the_changelog_keeps_to_its_form() -> None:
    """Keep a Changelog: unreleased changes first, then a heading with a date for each version."""
    text = (ROOT / "CHANGELOG.md").read_text()
    first, *versions = re.findall(r"^## (.*)$", text, re.MULTILINE)
    kinds = set(re.findall(r"^### (.*)$", text, re.MULTILINE))

    assert first == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", version) for version in versions)
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.fixture
def pyproject(tmp_path: Path) -> Path:
    """The project's file, with a place of the repository."""
    path = tmp_path / "pyproject.toml"
    path.write_text((ROOT / "pyproject.toml").read_text().replace("/OWNER/", "/someone/"))
    return path


def test_a_release_has_the_changelogs_entry_of_its_version(pyproject: Path) -> None:
    assert check(f"v{VERSION}", CHANGELOG, pyproject) == "### Added\n\n- It."


@pytest.mark.parametrize(
    ("tag", "changelog", "words"),
    [
        ("v9.9.9", CHANGELOG, "The tag must be v0.1.0, for the version in function/contract.py; got 'v9.9.9'."),
        (f"v{VERSION}", CHANGELOG.replace(VERSION, "9.9.9"), "CHANGELOG.md needs an entry"),
        (f"v{VERSION}", CHANGELOG.replace("\n### Added\n\n- It.\n", ""), "CHANGELOG.md needs an entry"),
    ],
)
def test_what_is_not_ready_is_not_released(pyproject: Path, tag: str, changelog: str, words: str) -> None:
    with pytest.raises(NotReady, match=re.escape(words)):
        check(tag, changelog, pyproject)


def test_a_release_needs_a_public_place() -> None:
    if "github.com/OWNER/" in "".join(PROJECT["urls"].values()):
        with pytest.raises(NotReady, match="replace OWNER"):
            check(f"v{VERSION}", CHANGELOG, ROOT / "pyproject.toml")
