"""Record the responses anew: ``python -m tests.wire.recorded``. Do so only after a change that is meant."""

import sys
from pathlib import Path
from typing import Final

from tests.wire.recorded.normal import as_text
from tests.wire.recorded.replay import replay_all

RESPONSES: Final = Path(__file__).parent / "responses"


def main() -> None:
    """Replay every request and write one file for each; files of requests that are gone are removed."""
    described = replay_all()
    for path in RESPONSES.glob("*.json"):
        path.unlink()
    for name, response in described.items():
        (RESPONSES / f"{name}.json").write_text(as_text(response) + "\n")
    sys.stdout.write(f"Recorded {len(described)} requests. Look at the changes: git diff {RESPONSES}\n")


if __name__ == "__main__":
    main()
