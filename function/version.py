"""Which build of the function this is: the version of the project and a short hash of the function's own sources."""

from pathlib import Path
from typing import Final

from .contract import VERSION

BUILD_FILE: Final = Path(__file__).with_name("build.txt")
"""The bundle writes this file, with one line such as ``0.1.0+3f9a1c2``; a checkout has none."""


def read_version(file: Path = BUILD_FILE) -> str:
    """Return the build that ``file`` names, or the version with the mark ``unbundled`` if the file does not exist."""
    try:
        return file.read_text("utf-8").strip()
    except FileNotFoundError:
        return f"{VERSION}+unbundled"


SERVICE_VERSION: Final = read_version()
"""The value of the field ``service.version`` on every log line."""
