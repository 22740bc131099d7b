"""What a browser is allowed to read, for every kind of list and origin."""

import pytest

from function.cors import cors

ONE, TWO = "https://a.example", "https://b.example"
EXPOSED = "X-Request-Id, x-amzn-RequestId"


def granted(origin: str, **more: str) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED, **more}


@pytest.mark.parametrize("origin", [None, ONE, TWO, "null"])
def test_without_allowed_origins_there_is_no_field(origin: str | None) -> None:
    assert cors((), origin) == {}


@pytest.mark.parametrize("allowed", [ONE, "*"])
@pytest.mark.parametrize("origin", [None, ONE, TWO, "null"])
def test_a_single_origin_is_a_literal(allowed: str, origin: str | None) -> None:
    """Every response is the same, whoever asks: the gateway's own error responses are too."""
    assert cors((allowed,), origin) == granted(allowed)


@pytest.mark.parametrize("origin", [ONE, TWO])
def test_of_several_origins_the_caller_gets_its_own(origin: str) -> None:
    assert cors((ONE, TWO), origin) == granted(origin, Vary="Origin")


@pytest.mark.parametrize("origin", [None, "https://c.example", "null", f"{ONE}/", ONE.upper(), ""])
def test_of_several_origins_no_other_gets_any(origin: str | None) -> None:
    """The response still varies: a cache must not give it to an origin that is allowed."""
    assert cors((ONE, TWO), origin) == {"Vary": "Origin"}
