"""``python -m local``: see ``serve``."""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the modules below are imported prints no traceback

from .serve import main

if __name__ == "__main__":
    main()
