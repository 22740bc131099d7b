"""Collects the packages that the function and the user's modules import, as wheels for Lambda."""

import difflib
import gzip
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from ..contract import SERVICES
from .bytecode import compile_sources, compiler_of, interpreter
from .cache import digest, filling, replacing
from .complaint import explain
from .target import HOST, MACHINES, BundleError, Target

_BUILD_ONLY: Final = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
"""Files that an installer writes for itself: they contain paths of the machine that builds."""
_SCRIPTS: Final = ("bin", "Scripts")
_FOR_BROWSERS: Final = "aws_lambda_powertools/event_handler/openapi/swagger_ui/*.min.*"
"""The script and the style sheet of a page that documents an API of Powertools: 5 % of the zip, and never served."""

Report = Callable[[str], object]
"""Receives one line of progress."""


@dataclass(frozen=True)
class Wheels:
    """The packages that ``lock`` pins, and those that the pip file ``own`` names beside them, for ``target``.

    botocore describes the function's own services in them, and ``services``.
    """

    target: Target
    cache: Path
    lock: Path
    own: Path | None
    report: Report
    services: Sequence[str] = ()

    @property
    def folder(self) -> Path:
        """The folder of the collected packages; its name is a hash of everything that determines its content."""
        texts = {
            f"{number}{name}": text
            for number, path in enumerate(filter(None, (self.lock, self.own)))
            for name, text in _requirement_texts(path).items()
        }
        parts: dict[str, str | bytes] = {
            "target": str(self.target),
            "magic": compiler_of(self.target.python),
            **texts,
        }
        if added := sorted({*self.services} - {*SERVICES}):
            parts["services"] = ",".join(added)
        return self.cache / f"wheels-{digest(parts)}"

    def collect(self) -> Path:
        """Return the folder with all packages, trimmed and compiled. They are collected once.

        Raises:
            BundleError: neither pip nor uv is installed, a wheel is missing for the target or is not the locked one,
                ``own`` conflicts with the lock, or botocore has no service of one of the names.
        """
        if interpreter(self.target.python) is None:
            self.report(
                f"Python {self.target.python} is not installed, so the bundle has no bytecode: "
                "a cold start takes about 0.3 s longer.",
            )
        folder = self.folder
        if not folder.exists():
            if self._list_of_services.exists():
                self._refuse_unknown_services()
            self.report(f"Collecting wheels for {self.target}. This takes some seconds, once …")
            self._collect_into(folder)
        return folder

    def known_services(self) -> list[str]:
        """Return the names of all services that botocore knew before it was trimmed. The packages must be collected."""
        names: list[str] = json.loads(self._list_of_services.read_text(encoding="utf-8"))
        return names

    @property
    def _list_of_services(self) -> Path:
        return self.cache / f"services-{digest({'lock': self.lock.read_bytes()})}.json"

    def _refuse_unknown_services(self) -> None:
        known = self.known_services()
        for service in self.services:
            if service not in known:
                raise BundleError(f"services: botocore has no AWS service {service!r}.{nearest(service, known)}")

    def _collect_into(self, folder: Path) -> None:
        with filling(folder) as tree:
            if self.own is None:
                _install(self.target, tree, str(self.lock), [f"--requirement={self.lock}", "--require-hashes"])
                with replacing(self._list_of_services) as staged:
                    known = sorted(service.name for service in tree.glob("botocore/data/*/"))
                    staged.write_text(json.dumps(known), encoding="utf-8")
                self._refuse_unknown_services()
            else:
                shutil.copytree(replace(self, own=None, report=lambda _: None).collect(), tree)
                locked = _hashes(tree)
                constraints = tree.with_name("constraints.txt")
                constraints.write_text(_locked_versions(self.lock), encoding="utf-8")
                _install(self.target, tree, str(self.own), [*_own_options(self.own), f"--constraint={constraints}"])
                _check_unchanged(tree, locked, self.own)
            _trim(tree, {*SERVICES, *self.services})
            compile_sources(self.target, tree, strict=False)


def _requirement_texts(path: Path) -> dict[str, bytes]:
    """Return the content of the file and of those that it includes, so that a change in any of them counts.

    Raises:
        BundleError: one of them is missing.
    """
    if not path.is_file():
        raise BundleError(f"requirements: {path} is not a file.")
    text = path.read_text(encoding="utf-8")
    included = re.findall(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)", text, re.MULTILINE)
    texts = {
        f"/{name}{inner}": content
        for name in included
        for inner, content in _requirement_texts(path.parent / name).items()
    }
    return {"": text.encode(), **texts}


def _locked_versions(lock: Path) -> str:
    """Return the lock as a constraints file, without hashes: these would demand one of every package of the user's."""
    pins = re.findall(r"^([\w.-]+==[^\s\\]+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return "".join(f"{pin}\n" for pin in pins)


def _own_options(own: Path) -> list[str]:
    """Return the options for the user's pip file. Where it has a hash, every package needs one, as pip demands."""
    has_hashes = any(re.search(rb"^[^#]*--hash", text, re.MULTILINE) for text in _requirement_texts(own).values())
    return [f"--requirement={own}", *(["--require-hashes"] if has_hashes else [])]


def _hashes(tree: Path) -> dict[Path, bytes]:
    """Return a hash of each file that comes from a wheel and stays in the bundle."""
    top = [path for path in tree.iterdir() if path.name not in _SCRIPTS and not path.name.startswith(".")]
    files = [file for path in top for file in (path, *path.rglob("*")) if file.is_file()]
    return {file: sha256(file.read_bytes()).digest() for file in files if file.name not in _BUILD_ONLY}


def _check_unchanged(tree: Path, locked: Mapping[Path, bytes], own: Path) -> None:
    """Check that the user's packages have replaced no file of the locked ones: uv would let them, pip does not.

    Raises:
        BundleError: they have.
    """
    now = _hashes(tree)
    for path, before in locked.items():
        if now.get(path) != before:
            raise BundleError(
                f"requirements: a package of {own} replaces {path.relative_to(tree)}, which belongs to the function's "
                "own packages. These are locked: remove that package, or choose another version of it."
            )


def _install(target: Target, tree: Path, pip_file: str, options: Sequence[str]) -> None:
    if importlib.util.find_spec("pip"):
        tool = "pip"
        command = [sys.executable, "-m", "pip", "install", "--no-compile", "--no-input", "--progress-bar=off"]
        command += ["--disable-pip-version-check", "--no-warn-conflicts", *pip_target(target)]
    elif shutil.which("uv"):
        tool = "uv"
        command = ["uv", "pip", "install", "--quiet", "--only-binary=:all:", *_uv_target(target)]
    else:
        raise BundleError(f"Install pip for {sys.executable}, or uv: one of them is needed to collect the wheels.")
    done = subprocess.run(  # noqa: S603 - the commands above
        [*command, f"--target={tree}", *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PIP_USER": "0"},
    )
    if done.returncode:
        raise BundleError(f"requirements: {explain(tool, target, pip_file, done.stdout, done.stderr)}")


def pip_target(target: Target) -> list[str]:
    """Return pip's options for wheels that run on the target."""
    if target.architecture == HOST:
        return ["--only-binary=:all:"]
    tags = [f"manylinux_2_{minor}" for minor in range(_glibc(target), 16, -1)] + ["manylinux2014"]
    machine = MACHINES[target.architecture]
    platforms = [f"--platform={tag}_{machine}" for tag in tags]  # pip does not add the older ones itself
    return ["--only-binary=:all:", "--implementation=cp", f"--python-version={target.python}", *platforms]


def _uv_target(target: Target) -> list[str]:
    if target.architecture == HOST:
        return [f"--python={sys.executable}"]
    glibc = 17 if target.python == "3.11" else 34  # of the versions up to Lambda's, uv has names for these two
    platform = f"{MACHINES[target.architecture]}-manylinux_2_{glibc}"
    return [f"--python-platform={platform}", f"--python-version={target.python}"]


def _glibc(target: Target) -> int:
    """Return the minor version of glibc under Lambda's Python: Amazon Linux 2 has 2.26, Amazon Linux 2023 has 2.34."""
    return 26 if target.python == "3.11" else 34


def nearest(service: str, known: Sequence[str]) -> str:
    """Return a question that names the services whose names are like ``service``; nothing if there are none."""
    near = difflib.get_close_matches(service, known, 3, 0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _trim(tree: Path, services: Collection[str]) -> None:
    """Remove what the function never reads: scripts, installers' files, descriptions of unused services, web pages."""
    for unused in [*(tree / name for name in _SCRIPTS), *tree.glob(".*"), *tree.glob(_FOR_BROWSERS)]:
        shutil.rmtree(unused) if unused.is_dir() else unused.unlink(missing_ok=True)
    for own in [*tree.glob("streaming_llm_api"), *tree.glob("streaming_llm_api-*.dist-info")]:
        shutil.rmtree(own)  # it has a second copy of the function; the bundle brings what modules import of it
    for file in [path for path in tree.glob("*.dist-info/*") if path.name in _BUILD_ONLY]:
        file.unlink()
    for service in [*tree.glob("botocore/data/*/"), *tree.glob("boto3/data/*/"), *tree.glob("boto3/examples/")]:
        if service.name not in services:
            shutil.rmtree(service)
    for packed in tree.glob("botocore/data/*/*/*.json.gz"):
        packed.with_suffix("").write_text(_without_documentation(gzip.decompress(packed.read_bytes())))
        packed.unlink()
    prefixes = {_endpoint_prefix(path) for path in tree.glob("botocore/data/*/*/service-2.json")}
    for endpoints in tree.glob("botocore/data/endpoints.json"):
        endpoints.write_text(_endpoints_in_use(endpoints.read_text(), prefixes))


def _without_documentation(description: bytes) -> str:
    """Return a description of a service with empty texts for people: they are two thirds of what botocore parses."""

    def without(members: dict[str, object]) -> dict[str, object]:
        return members | {"documentation": ""} if isinstance(members.get("documentation"), str) else members

    return json.dumps(json.loads(description, object_hook=without), separators=(",", ":"))


def _endpoint_prefix(description: Path) -> str:
    """Return the name that the list of endpoints has for a service: ``monitoring``, for example, for cloudwatch."""
    return str(json.loads(description.read_text())["metadata"]["endpointPrefix"])


def _endpoints_in_use(endpoints: str, prefixes: Collection[str]) -> str:
    """Return botocore's list of endpoints without unused services: botocore parses all of it before its first client.

    botocore makes the endpoint of a service that is not in the list from its name and the region, as it always does
    for bedrock-runtime.
    """
    document = json.loads(endpoints)
    for partition in document["partitions"]:
        partition["services"] = {name: value for name, value in partition["services"].items() if name in prefixes}
    return json.dumps(document)
