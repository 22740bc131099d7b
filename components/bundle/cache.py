"""The cache: a file is named by a hash of everything that goes into it, so that a second run finds it."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def digest(parts: Mapping[str, str | bytes]) -> str:
    """Return a short hash of the named parts and of this package's own files, on which the result depends too."""
    own = {f"bundle/{path.name}": path.read_bytes() for path in Path(__file__).parent.glob("*.py")}
    hashed = hashlib.sha256()
    for name, content in sorted({**own, **parts}.items()):
        data = content.encode() if isinstance(content, str) else content
        hashed.update(f"{name}\0{len(data)}\0".encode() + data)
    return hashed.hexdigest()[:20]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a file beside ``path`` to write; it takes the path's place when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        yield staged
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """Yield the path of a folder to make; it becomes ``folder`` when the block ends without an error.

    If another process has made ``folder`` in the meantime, that one stays.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="filling-") as scratch:
        made = Path(scratch) / folder.name
        yield made
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
