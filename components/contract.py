"""What the component knows of the function: the one file of the component that imports it.

In the wheel the function's sources lie inside this package, in a checkout beside it. Both modules need the standard
library alone, so that the bundle can be built where nothing is installed.
"""

from pathlib import Path
from typing import Final

IN_WHEEL: Final = (Path(__file__).parent / "function").is_dir()
"""Whether this package brings the function's sources. The type checker of a checkout takes it as false."""

if IN_WHEEL:
    from .function.claude import takes_native_schema
    from .function.contract import (
        VERSION,
    )
else:
    from function.claude import takes_native_schema
    from function.contract import (
        VERSION,
    )

__all__ = [
    "IN_WHEEL",
    "VERSION",
    "takes_native_schema",
]
