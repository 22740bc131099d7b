"""What the endpoint does with fifty recorded requests stays the same: bytes, log lines, metrics, records, model calls.

A failure shows what is different. If the change is meant: ``python -m tests.wire.recorded``, and a line in the
changelog for whoever reads what has changed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.wire.recorded.normal import as_text
from tests.wire.recorded.replay import replay_all

RESPONSES: Final = {path.stem: path for path in Path(__file__).parent.glob("recorded/responses/*.json")}


@pytest.fixture(scope="module")
def replayed() -> Mapping[str, object]:
    return replay_all()


@pytest.mark.parametrize("name", sorted(RESPONSES))
def test_a_request_is_answered_and_recorded_as_ever(replayed: Mapping[str, object], name: str) -> None:
    assert as_text(replayed[name]).splitlines() == RESPONSES[name].read_text().splitlines()


def test_every_request_is_recorded(replayed: Mapping[str, object]) -> None:
    assert set(replayed) == set(RESPONSES)
