"""The bundles that are measured: the zips that Lambda would run, for this machine.

``python -m bench.bundle`` prints how many bytes of the zip each package takes.
"""

import argparse
import shutil
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Final

from components.bundle.archive import PACKAGE, Bundle
from components.bundle.target import Target

_ROOT: Final = Path(__file__).resolve().parent.parent
_CACHE: Final = _ROOT / ".cache" / "bundle"
_WEB: Final = _ROOT / "bench" / "peers" / "web"
_NOT_OF_WEB: Final = ("function", PACKAGE, "aws_lambda_powertools")
"""What the bundler adds to every bundle, and the web application does not import."""
ADAPTER: Final = _ROOT / ".cache" / "bench" / "bin" / "lambda-adapter"
"""Lambda Web Adapter, which make builds where cargo is installed."""
LIMIT: Final = 8_200_000
"""Bytes of the zip, with bytecode, at most."""


def main() -> None:
    """Print what is in the zip of the bundle, and compare it with the zip of the web application."""
    description = "Print how many bytes of the bundle's zip each package takes."
    argparse.ArgumentParser(prog="python -m bench.bundle", description=description).parse_args()
    archive = Bundle(Target.host(), _CACHE).build()
    print(_table(archive))
    size = archive.stat().st_size
    reached = "reached" if size <= LIMIT else "not reached"
    print(f"\nThe zip has {size / 1e6:.2f} MB; expected are at most {LIMIT / 1e6:.1f} MB ({reached}).")
    web = _web().build()
    packages = sum(_stored(entry) for entry in _entries(web) if _package(entry) not in _NOT_OF_WEB)
    print(f"The web application, without the function and Powertools, has {packages / 1e6:.2f} MB", end="")
    print(f", and {_zipped(ADAPTER) / 1e6:.2f} MB of Lambda Web Adapter." if ADAPTER.exists() else ".")


def unpacked(folder: Path) -> Path:
    """Build this project's bundle, unpack it into ``folder``, and return that."""
    return _extracted(Bundle(Target.host(), _CACHE), folder)


def unpacked_web(folder: Path) -> Path:
    """Build the bundle of the web application, unpack it into ``folder`` without what it does not import."""
    _extracted(_web(), folder)
    for name in _NOT_OF_WEB:
        shutil.rmtree(folder / name)
    return folder


def _web() -> Bundle:
    return Bundle(Target.host(), _CACHE, _WEB, _WEB / "requirements.txt")


def _extracted(bundle: Bundle, folder: Path) -> Path:
    with zipfile.ZipFile(bundle.build()) as built:
        built.extractall(folder)
    (folder / "bootstrap").chmod(0o755)
    return folder


def _table(archive: Path) -> str:
    zipped, bytecode, whole = Counter[str](), Counter[str](), Counter[str]()
    for entry in _entries(archive):
        package = _package(entry)
        zipped[package] += _stored(entry)
        bytecode[package] += _stored(entry) if entry.filename.endswith(".pyc") else 0
        whole[package] += entry.file_size
    lines = ["| package | zipped, KB | of these bytecode, KB | unpacked, KB |", "|---|---|---|---|"]
    for package, size in [*zipped.most_common(), ("all", zipped.total())]:
        rest = (bytecode.total(), whole.total()) if package == "all" else (bytecode[package], whole[package])
        lines.append(f"| {package} | " + " | ".join(f"{number / 1e3:,.0f}" for number in (size, *rest)) + " |")
    return "\n".join(lines)


def _entries(archive: Path) -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(archive) as opened:
        return opened.infolist()


def _package(entry: zipfile.ZipInfo) -> str:
    """Return the name under which a file is imported."""
    top = entry.filename.partition("/")[0]
    if top == "__pycache__":  # the bytecode of a module that is a single file
        return entry.filename.split("/")[1].partition(".")[0]
    return "descriptions of the packages" if top.endswith(".dist-info") else top.removesuffix(".py")


def _stored(entry: zipfile.ZipInfo) -> int:
    """Return the bytes of a file in the zip, with its two headers, which contain its name."""
    return entry.compress_size + 30 + 46 + 2 * len(entry.filename)


def _zipped(file: Path) -> int:
    with tempfile.TemporaryFile() as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            archive.write(file, file.name)
        return out.tell()


if __name__ == "__main__":
    main()
