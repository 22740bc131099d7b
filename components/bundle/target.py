"""Which Python and which processor the bundle is for."""

import sys
from dataclasses import dataclass
from typing import Final

PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
"""The versions that Lambda runs and the function supports."""

HOST: Final = "host"
"""In place of an architecture: whatever machine builds."""

MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's name of an architecture → the wheels' name of it."""


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
