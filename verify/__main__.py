"""``python -m verify``: see ``cli``."""

import os
import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the modules below are imported prints no traceback

from .cli import main

if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
