"""The id by which X-Ray knows an invocation."""

import re
from collections.abc import Mapping
from typing import Final

VARIABLE: Final = "_X_AMZN_TRACE_ID"
"""What a Lambda runtime sets for each invocation, from the header field ``Lambda-Runtime-Trace-Id``."""
_ROOT: Final = re.compile(r"(?:^|;)\s*Root=(1-[0-9a-f]{8}-[0-9a-f]{24})\s*(?:;|$)")


def xray_trace_id(environ: Mapping[str, str]) -> str | None:
    """Return the id of this invocation's trace, such as ``1-5759e988-bd862e3fe1be46a994272793``; None without one."""
    root = _ROOT.search(environ.get(VARIABLE, ""))
    return root[1] if root else None
