"""The bundle that is measured, unpacked: the files that Lambda would run, for this machine."""

import zipfile
from pathlib import Path

from components.bundle.archive import Bundle
from components.bundle.target import Target

_CACHE = Path(__file__).resolve().parent.parent / ".cache" / "bundle"


def unpacked(folder: Path) -> Path:
    """Build the bundle, unpack it into ``folder``, and return that."""
    with zipfile.ZipFile(Bundle(Target.host(), _CACHE).build()) as built:
        built.extractall(folder)
    (folder / "bootstrap").chmod(0o755)
    return folder
