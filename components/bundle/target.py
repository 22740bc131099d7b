"""The Python and the processor for which a bundle is built."""

import sys
from dataclasses import dataclass
from typing import Final

PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
"""The Python versions that Lambda runs and the function supports."""

HOST: Final = "host"
"""Stands for the machine that builds, in place of an architecture."""

MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
"""The names of architectures in wheels, by their names in Lambda."""


class BundleError(Exception):
    """The zip cannot be built; the message says what to do."""


@dataclass(frozen=True)
class Target:
    """The Python (``3.13``) and the architecture (``arm64``, ``x86_64`` or ``host``) that will run the function."""

    python: str
    architecture: str

    def __post_init__(self) -> None:
        """Check that Lambda has this Python and architecture. The machine that builds can have any Python.

        Raises:
            BundleError: it does not.
        """
        if self.architecture != HOST and self.architecture not in MACHINES:
            raise BundleError(f"architecture must be {' or '.join(MACHINES)}; got {self.architecture!r}.")
        if self.architecture != HOST and self.python not in PYTHONS:
            raise BundleError(
                f"runtime must be a Python that Lambda runs, {PYTHONS[0]} to {PYTHONS[-1]}; got {self.python}. "
                "Build with one of these, or set runtime to one.",
            )

    @classmethod
    def host(cls) -> "Target":
        """Return the running Python on this machine."""
        return cls(running_python(), HOST)

    def __str__(self) -> str:
        """Return the name for a line of progress."""
        return f"Python {self.python} on {'this machine' if self.architecture == HOST else self.architecture}"


def running_python() -> str:
    """Return the version of this interpreter, as ``3.13``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"
