"""What a browser is allowed to read, for every kind of list and origin."""

import pytest

from function.cors import cors, refuses

ONE, TWO = "https://a.example", "https://b.example"
EXPOSED = "X-Request-Id, x-amzn-RequestId, Retry-After"


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


OWN = "https://api.example"


@pytest.mark.parametrize(
    "origin", ["https://c.example", "null", "", ONE.upper(), f"{ONE}.evil.example", "http://api.example"]
)
def test_a_page_that_is_not_listed_cannot_call(origin: str) -> None:
    assert refuses((ONE,), origin, OWN)
    assert refuses((ONE, TWO), origin, OWN)


@pytest.mark.parametrize("origin", [ONE, OWN, None])
def test_a_listed_page_one_of_the_own_host_and_a_program_can_call(origin: str | None) -> None:
    assert not refuses((ONE,), origin, OWN)


@pytest.mark.parametrize("allowed", [(), ("*",)])
@pytest.mark.parametrize("origin", [None, ONE, "null"])
def test_without_a_list_nobody_is_refused(allowed: tuple[str, ...], origin: str | None) -> None:
    assert not refuses(allowed, origin, OWN)
