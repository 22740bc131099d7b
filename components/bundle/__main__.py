"""``python -m components.bundle`` writes the zip to dist/. It needs neither Pulumi nor a virtual environment."""

import argparse
import shutil
import sys
from pathlib import Path

from .archive import Bundle
from .cache import replacing
from .target import MACHINES, BundleError, Target, running_python


def main() -> None:
    """Write the zip for Lambda to dist/function.zip, or with --host the one for this machine."""
    description = "Write dist/function.zip, the zip that Lambda runs: the function, its packages and your modules."
    parser = argparse.ArgumentParser(prog="python -m components.bundle", description=description, allow_abbrev=False)
    host = "write dist/function-host.zip instead, for this machine and this Python"
    parser.add_argument("--host", action="store_true", help=host)
    architecture = "the processor that the function will run on; default: %(default)s"
    parser.add_argument("--architecture", default="arm64", choices=MACHINES, help=architecture)
    parser.add_argument("--code", metavar="FOLDER", type=Path, help="the folder that contains your modules")
    requirements = "the pip file of the packages that your modules import"
    parser.add_argument("--requirements", metavar="FILE", type=Path, help=requirements)
    services = "the AWS services that your modules call, by boto3's names, separated by commas"
    parser.add_argument("--services", metavar="NAMES", type=_names, default=(), help=services)
    given = parser.parse_args()
    root = Path.cwd()
    out = root / "dist" / ("function-host.zip" if given.host else "function.zip")
    try:
        target = Target.host() if given.host else Target(running_python(), given.architecture)
        cache = root / ".cache" / "bundle"
        built = Bundle(target, cache, given.code, given.requirements, services=given.services).build()
    except BundleError as error:
        sys.exit(str(error))
    with replacing(out) as staged:
        shutil.copyfile(built, staged)
    print(f"{out.relative_to(root)}  {out.stat().st_size / 1e6:.1f} MB  for {target}")  # noqa: T201 - the result of the command


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


if __name__ == "__main__":
    main()
