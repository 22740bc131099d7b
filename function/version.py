"""Which build of the function this is: the version of the project and a short hash of the function's own sources."""

from pathlib import Path
from typing import Final

from .contract import VERSION

BUILD_FILE: Final = Path(__file__).with_name("build.txt")
"""Written by the bundle and holding one line such as ``0.1.0+3f9a1c2``; a checkout has none."""


def read_version(file: Path = BUILD_FILE) -> str:
    """Return the build that ``file`` names, or the version marked as unbundled where there is no such file."""
    try:
        return file.read_text("ascii").strip()
    except FileNotFoundError:
        return f"{VERSION}+unbundled"


SERVICE_VERSION: Final = read_version()
"""What the field ``service.version`` holds on every line of the log."""
