"""The gateway's own responses, sent if a request does not reach the function or its response cannot be used."""

MISSING_AUTHENTICATION_TOKEN = (403, "MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")
REQUEST_TOO_LARGE = (413, "REQUEST_TOO_LARGE", "Request Too Long")
INTEGRATION_TIMEOUT = (504, "INTEGRATION_TIMEOUT", "Endpoint request timed out")
NOT_INVOKED = (500, "DEFAULT_5XX", "Internal server error")
BAD_FORMAT = (500, "DEFAULT_5XX", "Internal server error")
FUNCTION_FAILED = (502, "DEFAULT_5XX", "Internal server error")
GatewayResponse = tuple[int, str, str]
"""Status, response type and the gateway's own message."""
