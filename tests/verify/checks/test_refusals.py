import pytest

from local.twin import Twin
from tests.verify.shared import CHECK
from verify.checks.run import Failed, Run
from verify.endpoint import RemoteEndpoint
from verify.signing import with_api_key


def test_an_endpoint_that_accepts_requests_without_credentials_fails(endpoint: Twin) -> None:
    """Whoever sets API_KEY expects the endpoint to require it."""
    with pytest.raises(Failed, match="the response without credentials is status 422"):
        CHECK["refuses missing credentials"](Run(RemoteEndpoint(endpoint.url, with_api_key("k"))))
