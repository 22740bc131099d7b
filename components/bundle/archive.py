"""The function, its wheels and the user's modules as one reproducible zip for Lambda.

The same inputs give the same bytes on the same machine: names are sorted, dates and owners are constant, and a fresh
interpreter writes the bytecode. The result of each step is cached by the content of its inputs.
"""

import hashlib
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..contract import ROUTES_FILE, VERSION
from .bytecode import compile_sources, compiler_of
from .cache import digest, filling, replacing
from .target import BundleError, Target
from .wheels import Report, Wheels

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)

_COMPRESSION: Final = 8
"""9 takes half as long again, and saves 0.1 % of the size."""

PACKAGE: Final = "streaming_llm_api"
"""The package that the user's modules import. In the bundle it has one file, which names classes of the function."""

ROUTES_PLACE: Final = f"function/{ROUTES_FILE}"
"""Where the function finds what its routes decide."""

BUILD_FILE: Final = "function/build.txt"
"""The file that contains the name of the build, which the function writes into every line of its log."""


def function_sources() -> Path:
    """Return the folder ``function``: inside this package in the wheel, beside the package in a checkout."""
    here = Path(__file__).resolve().parent.parent
    return next(folder for folder in (here / "function", here.parent / "function") if folder.is_dir())


def build_name() -> str:
    """Return the version and a hash of the function's own sources, such as ``0.1.0+3f9a1c2``.

    Neither the user's modules nor the rest of the repository change it.
    """
    sources = hashlib.sha256()
    for name, path in _function_files():
        data = path.read_bytes()
        sources.update(f"{name}\0{len(data)}\0".encode() + data)
    return f"{VERSION}+{sources.hexdigest()[:7]}"


@dataclass(frozen=True)
class Bundle:
    """The content of the zip.

    ``code`` is the folder of the user's modules, ``requirements`` the pip file for them, and ``services`` are the AWS
    services that they call beside the function's own.
    """

    target: Target
    cache: Path
    code: Path | None = None
    requirements: Path | None = None
    report: Report = print
    services: Sequence[str] = ()
    routes: str | None = None
    """What the routes decide, as JSON; None if there is one route."""

    def build(self) -> Path:
        """Return the path of the zip, built unless one of the same content is cached.

        Raises:
            BundleError: a wheel, a file or a tool is missing, or two files have the same name.
        """
        archive = self.cache / f"function-{self.digest()}.zip"
        if not archive.exists():
            with replacing(archive) as staged:
                if self.code is None and self.routes is None:
                    shutil.copyfile(_zipped(self.wheels), staged)
                    _append(staged, self._compiled_function())
                else:
                    self._refuse_clashes()
                    shutil.copyfile(self._without_own_files(), staged)
                    with tempfile.TemporaryDirectory() as tree:
                        self._stage_own_files(Path(tree))
                        _append(staged, Path(tree))
        return archive

    def _without_own_files(self) -> Path:
        """Return the zip without the user's modules and the routes. It is compressed once, whatever these are."""
        return replace(self, code=None, routes=None, report=lambda _: None).build()

    def digest(self) -> str:
        """Return a hash of everything that goes into the zip.

        Raises:
            BundleError: a file is missing.
        """
        files = {name: path.read_bytes() for name, path in self._files().items()}
        files |= {} if self.routes is None else {ROUTES_PLACE: self.routes.encode()}
        return digest({"wheels": self.wheels.folder.name, **{f"files/{name}": data for name, data in files.items()}})

    def stage(self, tree: Path) -> None:
        """Write the function and the user's modules into ``tree``, as they lie in the zip, with bytecode.

        Raises:
            BundleError: one of the user's modules is not valid Python.
        """
        self._refuse_clashes()
        shutil.copytree(self._compiled_function(), tree, dirs_exist_ok=True)
        self._stage_own_files(tree)

    def _stage_own_files(self, tree: Path) -> None:
        """Write what other bundles for the same target do not contain: the user's modules, and the routes."""
        if self.routes is not None:
            place = tree / ROUTES_PLACE
            place.parent.mkdir(exist_ok=True)
            place.write_text(self.routes, encoding="utf-8")
        if self.code is not None:
            with tempfile.TemporaryDirectory() as folder:  # alone: the function's own sources are compiled already
                _copy(self.user_files(), Path(folder))
                compile_sources(self.target, Path(folder), strict=True)
                shutil.copytree(folder, tree, dirs_exist_ok=True)

    @property
    def wheels(self) -> Wheels:
        """The packages that the function and the user's modules import."""
        lock = function_sources() / "requirements.lock"
        return Wheels(self.target, self.cache, lock, self.requirements, self.report, self.services)

    def user_files(self) -> Iterator[tuple[str, Path]]:
        """Yield the name in the zip and the path of each file of the user's.

        Raises:
            BundleError: ``code`` is not a folder.
        """
        if self.code is None:
            return
        if not self.code.is_dir():
            raise BundleError(f"code: {self.code} is not a folder.")
        yield from _files(self.code)

    def _compiled_function(self) -> Path:
        """Return a folder with the function and its bytecode. Bundles for the same Python share it."""
        files = dict(_own_files())
        contents = {name: path.read_bytes() for name, path in files.items()}
        folder = self.cache / f"sources-{digest({'python': compiler_of(self.target.python), **contents})}"
        if not folder.exists():
            with filling(folder) as tree:
                _copy(files.items(), tree)
                (tree / BUILD_FILE).write_text(build_name(), encoding="utf-8")
                (tree / PACKAGE / "__init__.py").touch()  # without it, a package of this name elsewhere would win
                compile_sources(self.target, tree, strict=True)
        return folder

    def _files(self) -> dict[str, Path]:
        return {**dict(_own_files()), **dict(self.user_files())}

    def _refuse_clashes(self) -> None:
        taken = {"function", "bootstrap", PACKAGE, *(entry.name for entry in self.wheels.collect().iterdir())}
        taken |= {name.removesuffix(".py") for name in taken}
        for top in sorted({name.partition("/")[0] for name, _ in self.user_files()}):
            if top.removesuffix(".py") in taken:
                raise BundleError(f"code: rename {top} in {self.code}: the function needs a module of that name.")


def _function_files() -> Iterator[tuple[str, Path]]:
    sources = function_sources()
    for name, path in _files(sources):
        yield ("bootstrap" if name == "bootstrap" else f"function/{name}"), path


def _own_files() -> Iterator[tuple[str, Path]]:
    """Yield name and path of what the bundle contains beside packages and the user's modules."""
    yield from _function_files()
    yield f"{PACKAGE}/endpoint.py", Path(__file__).resolve().parent.parent / "endpoint.py"


def _copy(files: Iterable[tuple[str, Path]], tree: Path) -> None:
    for name, path in files:
        place = tree / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and path of every source file: no caches, no virtual environments, no hidden files."""
    for path in sorted(root.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__" or path.suffix == ".pyc":
            continue
        if path.is_dir():
            if not (path / "pyvenv.cfg").exists():
                yield from ((f"{path.name}/{name}", inner) for name, inner in _files(path))
        else:
            yield path.name, path


def _zipped(wheels: Wheels) -> Path:
    """Return a zip of the wheels. Bundles that differ in the function's sources alone share it."""
    folder = wheels.collect()
    archive = folder.with_name(folder.name + ".zip")
    if not archive.exists():
        with replacing(archive) as staged:
            if wheels.own is None:
                _append(staged, folder)
            else:  # the user's packages replace no file of the locked ones, whose zip is there already
                locked = replace(wheels, own=None, report=lambda _: None)
                shutil.copyfile(_zipped(locked), staged)
                _append(staged, folder, without=locked.folder)
    return archive


def _append(archive: Path, tree: Path, without: Path | None = None) -> None:
    """Add the files in ``tree`` to the zip, but for those that ``without`` has too."""
    with zipfile.ZipFile(archive, "a") as out:
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            name = path.relative_to(tree).as_posix()
            if without is not None and (without / name).exists():
                continue
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix: the upper half of external_attr is a file's mode
            entry.external_attr = (stat.S_IFREG | (0o755 if name == "bootstrap" else 0o644)) << 16
            out.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, _COMPRESSION)
