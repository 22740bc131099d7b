"""What the component knows of the function: the one file of the component that imports it.

In the wheel the function's sources lie inside this package, in a checkout beside it. The contract needs the standard
library alone, so that the bundle can be built where nothing is installed.
"""

from pathlib import Path
from typing import Final

IN_WHEEL: Final = (Path(__file__).parent / "function").is_dir()
"""Whether this package contains the function's sources. The type checker of a checkout takes it as false."""

if IN_WHEEL:
    from .function import arguments as _arguments
    from .function import claude as _claude
    from .function import contract as _contract
else:
    from function import arguments as _arguments
    from function import claude as _claude
    from function import contract as _contract

ANY_KEY = _arguments.ANY_KEY
ArgumentError = _arguments.ArgumentError
KINDS = _arguments.KINDS
Names = _arguments.Names
OWN_VARIABLE = _arguments.OWN_VARIABLE
ROUTES = _arguments.ROUTES
Shape = _arguments.Shape
camel = _arguments.camel
either = _arguments.either
expected = _arguments.expected
from_text = _arguments.from_text
named = _arguments.named
setting_text = _arguments.setting_text

default_max_tokens = _claude.default_max_tokens
default_timeout = _claude.default_timeout

Effort = _contract.Effort
EXPOSED_HEADERS = _contract.EXPOSED_HEADERS
FIRST_EVENT_TIMEOUTS = _contract.FIRST_EVENT_TIMEOUTS
HANDLER = _contract.HANDLER
LONGEST_TIMEOUT = _contract.LONGEST_TIMEOUT
METRICS_NAMESPACE = _contract.METRICS_NAMESPACE
ROUTE = _contract.ROUTE
ROUTES_FILE = _contract.ROUTES_FILE
ROUTE_VARIABLES = _contract.ROUTE_VARIABLES
SERVICES = _contract.SERVICES
SETTINGS = _contract.SETTINGS
SHORTEST_TIMEOUT = _contract.SHORTEST_TIMEOUT
SINKS = _contract.SINKS
STAGE = _contract.STAGE
TABLE_EXPIRY = _contract.TABLE_EXPIRY
TABLE_KEY = _contract.TABLE_KEY
VERSION = _contract.VERSION
Authorization = _contract.Authorization
Cache = _contract.Cache
GuardrailStreaming = _contract.GuardrailStreaming
Outcome = _contract.Outcome
StructuredOutput = _contract.StructuredOutput
Thinking = _contract.Thinking
as_text = _contract.as_text
margin = _contract.margin
parsed = _contract.parsed
route_variable = _contract.route_variable
variable = _contract.variable
