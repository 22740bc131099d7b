"""Write the vectors of clients/vectors: ``python -m tests.clients.vectors``. Those that are gone are removed."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from tests.clients.vectors.encoded import encoded
from tests.clients.vectors.reading import expected
from tests.clients.vectors.vector import VECTORS, Vector, as_text
from tests.clients.vectors.written import written


def made() -> Iterator[Vector]:
    """Yield every vector with what is expected of it."""
    for vector in chain(encoded(), written()):
        yield replace(vector, expected=expected(vector.response))


def main() -> None:
    """Write one file for each vector."""
    texts = {f"{vector.name}.json": as_text(vector) for vector in made()}
    for path in VECTORS.glob("*.json"):
        path.unlink()
    for name, text in texts.items():
        (VECTORS / name).write_text(text, encoding="ascii")
    sys.stdout.write(f"Wrote {len(texts)} vectors to {VECTORS}.\n")


if __name__ == "__main__":
    main()
