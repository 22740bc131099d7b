"""An AWS on this machine, spoken to by unmodified boto3."""

from collections.abc import Iterator

import pytest

from tests.aws.stages.emulated import emulated_aws, point_at


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """The emulator's URL."""
    with emulated_aws() as url:
        yield url


@pytest.fixture
def aws(emulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every client that is made now speak to the emulator."""
    point_at(emulator, monkeypatch)
