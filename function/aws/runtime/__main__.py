"""What ``bootstrap`` starts."""

import gc
import sys

gc.disable()  # until there is something to collect: what the imports and the rest of init make is kept

from .loop import main  # noqa: E402 - after that

if __name__ == "__main__":
    exit_status = main()
    gc.freeze()  # a last collection would find nothing of use, and Lambda waits for the process to end
    sys.exit(exit_status)
