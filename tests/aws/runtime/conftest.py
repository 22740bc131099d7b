"""A platform that starts one sandbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws.runtime.platform import Platform


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """A Runtime API for one sandbox."""
    platform = Platform(tmp_path)
    yield platform
    platform.stop()
