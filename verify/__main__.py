"""``python -m verify``."""

import os
import sys

from .cli import main

if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:], os.environ))
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted: no result.\n")
        sys.exit(130)
