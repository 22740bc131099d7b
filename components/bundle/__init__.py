"""Builds the zip that Lambda runs: the function, its wheels and the user's modules. Standard library only."""

from .archive import Bundle
from .target import BundleError, Target

__all__ = ["Bundle", "BundleError", "Target"]
