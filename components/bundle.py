"""The function, its wheels and the user's modules as one reproducible zip for Lambda. Standard library only.

The same inputs give the same bytes on the same machine: names are sorted, dates and owners constant, bytecode is made
by a fresh interpreter. Each step is cached by the content of what goes in.
"""

import argparse
import functools
import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
"""The versions that Lambda runs and the function supports."""

HOST: Final = "host"
"""In place of an architecture: whatever machine builds."""

MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's name of an architecture → the wheels' name of it."""

SERVICES: Final = ("bedrock-runtime", "dynamodb", "events", "firehose", "sns", "sts")
"""The services whose descriptions stay in botocore's data; what lies beside them at the top stays too."""

TASK_ROOT: Final = "/var/task"
"""Where Lambda unpacks the zip, and so the path in the bytecode."""

_BUILD_ONLY: Final = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
"""Notes of an installer to itself: they name the machine that built."""

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)

_COMPILE: Final = """
import pathlib, py_compile, sys
root, task_root, strict = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "strict"
for source in sorted(root.rglob("*.py")):
    try:
        py_compile.compile(
            str(source),
            dfile=f"{task_root}/{source.relative_to(root).as_posix()}",
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except py_compile.PyCompileError as error:
        if strict:
            sys.exit(f"{source.relative_to(root)}: {error.exc_value}")
"""
"""Run by the target's Python; templates that wheels carry under the name of Python need not compile."""

Report = Callable[[str], object]


class BundleError(Exception):
    """The zip cannot be built; the message is a sentence for whoever asked for it."""


@dataclass(frozen=True)
class Target:
    """The Python (``3.13``) and the architecture (``arm64``, ``x86_64`` or ``host``) that will run the function."""

    python: str
    architecture: str

    def __post_init__(self) -> None:
        """Refuse what Lambda does not run; any Python will do for the machine at hand."""
        if self.architecture != HOST and self.architecture not in MACHINES:
            raise BundleError(f"architecture may be {' or '.join(MACHINES)}, not {self.architecture!r}.")
        if self.architecture != HOST and self.python not in PYTHONS:
            raise BundleError(
                f"runtime: Lambda runs Python {PYTHONS[0]} to {PYTHONS[-1]}, not {self.python}. "
                "Build with one of these, or name one.",
            )

    @classmethod
    def host(cls) -> "Target":
        """Return the Python that is running, on this machine."""
        return cls(running_python(), HOST)

    def __str__(self) -> str:
        """Return what a progress line calls it."""
        return f"Python {self.python} on {'this machine' if self.architecture == HOST else self.architecture}"


def running_python() -> str:
    """Return the version of this interpreter, as ``3.13``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def function_sources() -> Path:
    """Return the folder ``function``: beside these files where they are installed, else beside their folder."""
    here = Path(__file__).resolve().parent
    return next(folder for folder in (here / "function", here.parent / "function") if folder.is_dir())


@dataclass(frozen=True)
class Bundle:
    """What goes into the zip. ``code`` is a folder of the user's modules, ``requirements`` a pip file beside it."""

    target: Target
    cache: Path
    code: Path | None = None
    requirements: Path | None = None
    report: Report = print

    def build(self) -> Path:
        """Return the path of the zip, built unless one of the same content is cached.

        Raises:
            BundleError: a wheel, a file or a tool is missing, or two files claim the same name.
        """
        done = self.cache / f"function-{self.digest()}.zip"
        if not done.exists():
            layer = self.wheels()
            with _replacing(done) as staged, tempfile.TemporaryDirectory() as tree:
                shutil.copyfile(layer.with_name(layer.name + ".zip"), staged)
                self.stage(Path(tree))
                _append(staged, Path(tree))
        return done

    def digest(self) -> str:
        """Return a hash of everything that goes into the zip.

        Raises:
            BundleError: a file is missing.
        """
        return digest(self.layer.name, {name: path.read_bytes() for name, path in self._files().items()})

    def stage(self, tree: Path) -> None:
        """Write the function and the user's modules into ``tree``, as they lie in the zip, with bytecode.

        Raises:
            BundleError: a module of the user's is not Python.
        """
        self._refuse_clashes()
        for name, path in self._files().items():
            place = tree / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
        _compile(self.target, tree, strict=True)

    @property
    def layer(self) -> Path:
        """The folder of the wheels, named by all that decides what will be in it."""
        python = _interpreter(self.target.python)
        texts = {str(number): _requirement_texts(path) for number, path in enumerate(self._lists)}
        return self.cache / f"wheels-{digest(str(self.target), str(python and _magic(python)), texts)}"

    @property
    def _lists(self) -> list[Path]:
        own = [] if self.requirements is None else [self.requirements]
        return [function_sources() / "requirements.txt", *own]

    def wheels(self) -> Path:
        """Return a folder with everything that is required, trimmed and compiled; a zip of it lies beside it.

        Raises:
            BundleError: neither pip nor uv is there, or a wheel is missing for the target.
        """
        if _interpreter(self.target.python) is None:
            self.report(
                f"There is no Python {self.target.python} here to make bytecode: "
                "a cold start of this bundle takes some 0.3 s more.",
            )
        folder = self.layer
        if not folder.exists():
            self.report(f"Collecting wheels for {self.target} (once; some seconds) …")
            self._collect(folder)
        archive = folder.with_name(folder.name + ".zip")
        if not archive.exists():
            with _replacing(archive) as staged:
                _append(staged, folder)
        return folder

    def _collect(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="collecting-") as scratch:
            tree = Path(scratch) / "tree"
            _install(self.target, self._lists, tree)
            _trim(tree)
            _compile(self.target, tree, strict=False)
            try:
                tree.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another build of the same was faster
                    raise

    def _files(self) -> dict[str, Path]:
        return {**dict(_function_files()), **dict(self._user_files())}

    def _user_files(self) -> Iterator[tuple[str, Path]]:
        if self.code is None:
            return
        if not self.code.is_dir():
            raise BundleError(f"code: there is no folder {self.code}.")
        yield from _files(self.code)

    def _refuse_clashes(self) -> None:
        taken = {"function", "bootstrap", *(entry.name for entry in self.wheels().iterdir())}
        taken |= {name.removesuffix(".py") for name in taken}
        for top in sorted({name.partition("/")[0] for name, _ in self._user_files()}):
            if top.removesuffix(".py") in taken:
                raise BundleError(f"code: {top} in {self.code} has the name of something that the function needs.")


def _function_files() -> Iterator[tuple[str, Path]]:
    sources = function_sources()
    for name, path in _files(sources):
        yield ("bootstrap" if name == "bootstrap" else f"function/{name}"), path


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and path of every file that belongs to the sources: no caches, no environments, nothing hidden."""
    for path in sorted(root.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__" or path.suffix == ".pyc":
            continue
        if path.is_dir():
            if not (path / "pyvenv.cfg").exists():
                yield from ((f"{path.name}/{name}", inner) for name, inner in _files(path))
        else:
            yield path.name, path


def _requirement_texts(path: Path) -> dict[str, bytes]:
    """Return the file and those that it includes, so that a change in any of them is seen.

    Raises:
        BundleError: one of them is missing.
    """
    if not path.is_file():
        raise BundleError(f"requirements: there is no file {path}.")
    text = path.read_text(encoding="utf-8")
    included = re.findall(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)", text, re.MULTILINE)
    texts = {
        f"/{name}{inner}": held for name in included for inner, held in _requirement_texts(path.parent / name).items()
    }
    return {"": text.encode(), **texts}


def digest(*parts: object) -> str:
    """Return a short hash over the parts and over this file, whose change may change every byte that it writes."""
    held = hashlib.sha256(Path(__file__).read_bytes())
    for part in parts:
        held.update(repr(sorted(part.items()) if isinstance(part, dict) else part).encode() + b"\0")
    return held.hexdigest()[:20]


class _replacing:  # noqa: N801 a context manager that reads as a verb
    """A file beside ``path`` to write; it takes the path's place when the block ends well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.staged = path.with_name(f"{path.name}.{os.getpid()}")

    def __enter__(self) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.staged

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.staged.replace(self.path)
        else:
            self.staged.unlink(missing_ok=True)


def _install(target: Target, lists: Iterable[Path], tree: Path) -> None:
    wanted = [f"--requirement={path}" for path in lists]
    if importlib.util.find_spec("pip"):
        tool = "pip"
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-compile",
            "--no-input",
            *_pip_target(target),
        ]
    elif shutil.which("uv"):
        tool = "uv"
        command = ["uv", "pip", "install", "--quiet", "--only-binary=:all:", *_uv_target(target)]
    else:
        raise BundleError(f"Neither pip (of {sys.executable}) nor uv is there to collect wheels: install one of them.")
    done = subprocess.run(  # noqa: S603 our own arguments
        [*command, f"--target={tree}", *wanted],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PIP_USER": "0"},
    )
    if done.returncode:
        _explain(tool, target, done.stderr)


def _pip_target(target: Target) -> list[str]:
    if target.architecture == HOST:
        return ["--only-binary=:all:"]
    tags = [f"manylinux_2_{minor}" for minor in range(_glibc(target), 16, -1)] + ["manylinux2014"]
    machine = MACHINES[target.architecture]
    platforms = [f"--platform={tag}_{machine}" for tag in tags]  # pip adds no older tag by itself
    return ["--only-binary=:all:", "--implementation=cp", f"--python-version={target.python}", *platforms]


def _uv_target(target: Target) -> list[str]:
    if target.architecture == HOST:
        return [f"--python={sys.executable}"]
    glibc = 17 if target.python == "3.11" else 34  # of those that uv has a name for
    platform = f"{MACHINES[target.architecture]}-manylinux_2_{glibc}"
    return [f"--python-platform={platform}", f"--python-version={target.python}"]


def _glibc(target: Target) -> int:
    """Return the minor version of the C library under Lambda's Python: Amazon Linux 2 has 2.26, 2023 has 2.34."""
    return 26 if target.python == "3.11" else 34


def _explain(tool: str, target: Target, output: str) -> NoReturn:
    missing = re.search(r"No matching distribution found for (.+)", output)
    if missing:
        raise BundleError(
            f"requirements: there is no wheel of {missing[1].strip()} for {target}. "
            "Choose a version that has one, or another architecture or runtime.",
        )
    tail = "\n".join(output.strip().splitlines()[-5:])
    raise BundleError(f"requirements: {tool} could not collect the wheels for {target}:\n{tail}")


def _trim(tree: Path) -> None:
    """Drop what the function never reads: scripts, installers' notes, descriptions of services it does not call."""
    for stray in [tree / "bin", tree / "Scripts", *tree.glob(".*")]:
        shutil.rmtree(stray) if stray.is_dir() else stray.unlink(missing_ok=True)
    for note in [path for path in tree.glob("*.dist-info/*") if path.name in _BUILD_ONLY]:
        note.unlink()
    for service in [*tree.glob("botocore/data/*/"), *tree.glob("boto3/data/*/"), *tree.glob("boto3/examples/")]:
        if service.name not in SERVICES:
            shutil.rmtree(service)


@functools.cache
def _interpreter(python: str) -> str | None:
    """Return the path of a Python of that version, this one if it fits; None where there is none."""
    if python == running_python():
        return sys.executable
    named = shutil.which(f"python{python}")
    return named if named and _ask(named, "import sys; print('%d.%d' % sys.version_info[:2])") == python else None


@functools.cache
def _magic(python: str) -> str | None:
    """Return what tells one bytecode from another."""
    return _ask(python, "import importlib.util, sys; print(sys.version, importlib.util.MAGIC_NUMBER)")


def _ask(python: str, program: str) -> str | None:
    done = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, check=False)  # noqa: S603 ours
    return done.stdout.strip() if done.returncode == 0 else None


def _compile(target: Target, tree: Path, *, strict: bool) -> None:
    """Put bytecode beside the sources. A fresh process with fixed hashing gives the same bytes each time."""
    python = _interpreter(target.python)
    if python is None:
        return
    done = subprocess.run(  # noqa: S603 our own program
        [python, "-s", "-S", "-c", _COMPILE, str(tree), TASK_ROOT, "strict" if strict else "lenient"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if done.returncode:
        raise BundleError(f"code: {done.stderr.strip()}")


def _append(archive: Path, tree: Path) -> None:
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            name = path.relative_to(tree).as_posix()
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix: the upper half of external_attr is a file's mode
            entry.external_attr = (stat.S_IFREG | (0o755 if name == "bootstrap" else 0o644)) << 16
            out.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def main() -> None:
    """Write the zip that Lambda gets, or the one for the machine at hand."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--host", action="store_true", help="for this Python and this machine")
    parser.add_argument("--architecture", default="arm64", choices=MACHINES)
    parser.add_argument("--code", type=Path, help="folder of your modules")
    parser.add_argument("--requirements", type=Path, help="their packages, a pip file")
    given = parser.parse_args()
    root = Path.cwd()
    out = root / "dist" / ("function-host.zip" if given.host else "function.zip")
    try:
        target = Target.host() if given.host else Target(running_python(), given.architecture)
        built = Bundle(target, root / ".cache" / "bundle", given.code, given.requirements).build()
    except BundleError as error:
        sys.exit(str(error))
    with _replacing(out) as staged:
        shutil.copyfile(built, staged)
    print(f"{out.relative_to(root)}  {out.stat().st_size / 1e6:.1f} MB  for {target}")  # noqa: T201 a command's answer


if __name__ == "__main__":
    main()
