"""The client of the page is the one of clients/js. The page needs no Node; making the client does."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CLIENT = ROOT / "local" / "playground" / "client.js"


def test_the_page_has_the_client_of_these_sources() -> None:
    sources = sorted((ROOT / "clients" / "js" / "src").glob("*.ts"))
    fingerprint = hashlib.sha256(b"".join(f"{path.name}\n".encode() + path.read_bytes() for path in sources))
    first_line = CLIENT.read_text(encoding="utf-8").partition("\n")[0]

    assert first_line.endswith(fingerprint.hexdigest()), 'Run "npm run page" in clients/js.'
