"""``python -m components.bundle`` writes the zip into dist/. It needs neither Pulumi nor a virtual environment."""

import argparse
import shutil
import sys
from pathlib import Path

from .archive import Bundle
from .cache import replacing
from .target import MACHINES, BundleError, Target, running_python


def main() -> None:
    """Write the zip for Lambda, or with --host the one for this machine."""
    parser = argparse.ArgumentParser(prog="python -m components.bundle", description=main.__doc__)
    parser.add_argument("--host", action="store_true", help="for this Python and this machine")
    parser.add_argument("--architecture", default="arm64", choices=MACHINES)
    parser.add_argument("--code", type=Path, help="folder of your modules")
    parser.add_argument("--requirements", type=Path, help="their packages, a pip file")
    given = parser.parse_args()
    root = Path.cwd()
    out = root / "dist" / ("function-host.zip" if given.host else "function.zip")
    try:
        target = Target.host() if given.host else Target(running_python(), given.architecture)
        built = Bundle(target, root / ".cache" / "bundle", given.code, given.requirements).build()
    except BundleError as error:
        sys.exit(str(error))
    with replacing(out) as staged:
        shutil.copyfile(built, staged)
    print(f"{out.relative_to(root)}  {out.stat().st_size / 1e6:.1f} MB  for {target}")  # noqa: T201 a command prints


if __name__ == "__main__":
    main()
