import re

import botocore.session
from botocore.model import StringShape

from local.twin import CHECKOUT
from verify.advice import BY_CODE
from verify.checks.run import TRANSIENT_CODES


def test_there_is_advice_only_for_codes_that_exist() -> None:
    """The codes of the gateway are in AWS's API, those of the function in docs/errors.md."""
    kinds = botocore.session.get_session().get_service_model("apigateway").shape_for("GatewayResponseType")
    assert isinstance(kinds, StringShape)
    documented = set(re.findall(r"`([a-z_]+)`", (CHECKOUT / "docs" / "errors.md").read_text()))

    assert {code for code in BY_CODE if code.isupper()} <= set(kinds.enum)
    assert {code for code in (*BY_CODE, *TRANSIENT_CODES) if code.islower()} <= documented
