"""The id of the X-Ray trace, as Lambda's runtimes set it."""

import pytest

from function.aws.trace import xray_trace_id


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Root=1-5759e988-bd862e3fe1be46a994272793", "1-5759e988-bd862e3fe1be46a994272793"),
        ("Self=1-x;Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "1-5759e988-bd862e3fe1be46a994272793"),
        ("Root=2-5759e988-bd862e3fe1be46a994272793", None),
        ("Parent=53995c3f42cd8ad8", None),
        ("", None),
    ],
)
def test_the_id_of_the_xray_trace_is_its_root(value: str, expected: str | None) -> None:
    assert xray_trace_id({"_X_AMZN_TRACE_ID": value}) == expected
    assert xray_trace_id({}) is None
