"""Writes function/requirements.lock: ``python -m scripts.lock``. make runs it as ``make lock``.

The lock pins every package that function/requirements.txt needs, direct or not, with the hashes of all wheels of that
version in the package index. pip resolves, for the oldest Python of Lambda; the lock is then tried for every target.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, canonicalize_version

from components.bundle.cache import replacing
from components.bundle.target import MACHINES, PYTHONS, Target
from components.bundle.wheels import pip_target

FUNCTION: Final = Path(__file__).resolve().parent.parent / "function"
DEFAULT_INDEX: Final = "https://pypi.org/simple"
"""The index that pip asks if its configuration names none."""
JSON: Final = "application/vnd.pypi.simple.v1+json"
"""The JSON form of the simple repository API (packaging.python.org/specifications/simple-repository-api)."""
HEADER: Final = """\
# Every wheel in the function's bundle, direct or not, with the hashes of all wheels of that version.
# Written by `make lock` from requirements.txt: change that file, not this one.
--only-binary :all:
"""
PLATFORMS: Final = (
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "x86_64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
)
"""Where a bundle runs: on Lambda's Linux, and on the machines of those who build it."""


class NotLocked(Exception):
    """The lock cannot be written; the message says what to do."""


@dataclass(frozen=True)
class Package:
    """A package as pip has resolved it."""

    version: str
    requires: tuple[Requirement, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the lock; return 1 if it cannot be written."""
    description = "Write function/requirements.lock: the newest versions that function/requirements.txt accepts."
    argparse.ArgumentParser(prog="python -m scripts.lock", description=description).parse_args(arguments)
    try:
        lock(FUNCTION / "requirements.txt", FUNCTION / "requirements.lock")
    except NotLocked as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def lock(direct: Path, written: Path) -> None:
    """Write the lock of the pip file ``direct`` to ``written``, once it has been tried for every target.

    Raises:
        NotLocked: pip finds no solution, a target has no wheel, or the index gives no hashes.
    """
    requirements = [Requirement(line) for line in _lines(direct)]
    environments = [_environment(python, platform) for python, platform in product(PYTHONS, PLATFORMS)]
    packages, needed = _resolve(requirements, environments)
    index = index_url()
    with replacing(written) as staged:
        staged.write_text(HEADER + "".join(_entries(index, packages, needed, environments)), encoding="utf-8")
        for target in (*(Target(*pair) for pair in product(PYTHONS, MACHINES)), Target.host()):
            _pip_report(["--require-hashes", f"--requirement={staged}"], target)


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if text := line.partition("#")[0].strip():
            yield text


def _environment(python: str, platform: Mapping[str, str]) -> dict[str, str]:
    return {"python_version": python, "python_full_version": f"{python}.0", "os_name": "posix", **platform}


def _resolve(
    direct: Sequence[Requirement], environments: Sequence[dict[str, str]]
) -> tuple[dict[str, Package], list[set[str]]]:
    """Return every package that one of the environments needs, and the names that each environment needs.

    pip evaluates markers for the machine on which it runs. What another environment needs beyond that is added to the
    requirements, until nothing is missing.
    """
    oldest = Target(PYTHONS[0], next(iter(MACHINES)))
    asked = {_without_marker(requirement) for requirement in direct}
    while True:
        packages = dict(_package(found) for found in _pip_report(sorted(asked), oldest)["install"])
        edges = [list(_edges(direct, packages, environment)) for environment in environments]
        missing = {edge for edge in chain.from_iterable(edges) if canonicalize_name(edge.name) not in packages}
        if not missing:
            return packages, [{canonicalize_name(edge.name) for edge in found} for found in edges]
        asked |= {_without_marker(edge) for edge in missing}


def _package(found: Mapping[str, Any]) -> tuple[str, Package]:
    metadata = found["metadata"]
    requires = tuple(Requirement(text) for text in metadata.get("requires_dist", ()))
    return canonicalize_name(metadata["name"]), Package(metadata["version"], requires)


def _edges(
    direct: Iterable[Requirement], packages: Mapping[str, Package], environment: Mapping[str, str]
) -> Iterator[Requirement]:
    """Yield each requirement that counts in the environment, as far as the packages are known."""
    waiting = [(requirement, "") for requirement in direct]
    seen = set()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({**environment, "extra": extra}):
            continue
        yield requirement
        name = canonicalize_name(requirement.name)
        for wanted in {"", *requirement.extras}:
            if name in packages and (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(inner, wanted) for inner in packages[name].requires]


def _without_marker(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"


def _entries(
    index: str, packages: Mapping[str, Package], needed: Sequence[set[str]], environments: Sequence[Mapping[str, str]]
) -> Iterator[str]:
    for name in sorted(set().union(*needed)):
        systems = {place["sys_platform"] for place, names in zip(environments, needed, strict=True) if name in names}
        version = packages[name].version
        options = [f"--hash=sha256:{one}" for one in hashes(index, name, version)]
        lines = [f"{name}=={version}{_marker(systems)}", *options]
        yield " \\\n    ".join(lines) + "\n"


def _marker(systems: set[str]) -> str:
    """Return the marker of a package that only these systems need.

    What one Python of Lambda needs is installed for all: pip would evaluate a marker for the Python that builds.
    """
    return "" if "linux" in systems else f' ; sys_platform == "{min(systems)}"'


def hashes(index: str, name: str, version: str) -> list[str]:
    """Return the SHA-256 hashes of all wheels of a version, sorted.

    Raises:
        NotLocked: the index does not answer in JSON, or has no wheel of this version.
    """
    request = urllib.request.Request(f"{index.rstrip('/')}/{name}/", headers={"Accept": JSON})  # noqa: S310 - pip's own index
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - same
            files = json.load(response)["files"]
    except (OSError, ValueError, LookupError) as error:
        raise NotLocked(f"{index} gave no list of the files of {name} in JSON ({error}).") from error
    found = [file["hashes"]["sha256"] for file in files if _is_wheel_of(version, file["filename"])]
    if not found:
        raise NotLocked(f"{index} has no wheel of {name} {version}.")
    return sorted(found)


def _is_wheel_of(version: str, filename: str) -> bool:
    return filename.endswith(".whl") and canonicalize_version(filename.split("-")[1]) == canonicalize_version(version)


def index_url() -> str:
    """Return the URL of the index that pip uses: of its variable, else of its configuration, else the default."""
    output = _pip("config", "list").stdout
    named = dict(re.findall(r"^(:env:|install|global)\.index-url='(.+)'$", output, re.MULTILINE))
    return next((named[place] for place in (":env:", "install", "global") if place in named), DEFAULT_INDEX)


def _pip_report(requirements: Sequence[str], target: Target) -> dict[str, Any]:
    """Return pip's report on what it would install for the target."""
    with tempfile.TemporaryDirectory() as nowhere:
        done = _pip(
            "install",
            "--quiet",
            "--dry-run",
            "--ignore-installed",
            "--report=-",
            f"--target={nowhere}",
            *pip_target(target),
            *requirements,
        )
    if done.returncode:
        raise NotLocked(f"pip cannot resolve function/requirements.txt for {target}:\n{done.stderr.strip()}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the commands above


if __name__ == "__main__":
    sys.exit(main())
