"""What the gateway answers to browsers. That stack and function agree is tested in ``tests/components/test_cors``."""

import pytest

from local.gateway.cors import allowed_origins, error_fields, preflight_fields

A, B = "https://a.example", "https://b.example:8443"


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, ()), ("", ()), ("none", ()), ("*", ("*",)), (A, (A,)), (f"{A},{B}", (A, B)), (f"{A}, {B}", (A, B))],
)
def test_the_origins_are_those_of_the_functions_variable(text: str | None, expected: tuple[str, ...]) -> None:
    """None removes a variable; empty is unset."""
    assert allowed_origins({"LLM_ALLOWED_ORIGINS": text}) == expected


def test_without_a_variable_no_page_may_call() -> None:
    assert allowed_origins({}) == ()
    assert preflight_fields((), A) == []
    assert error_fields(()) == []


def test_a_single_origin_is_answered_to_everybody() -> None:
    """Browsers compare it themselves."""
    fields = dict(preflight_fields((A,), "https://evil.example"))

    assert fields == {
        "Access-Control-Allow-Origin": A,
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "Content-Type, Accept, Last-Event-ID, traceparent, Cache-Control",
        "Access-Control-Max-Age": "600",
    }


@pytest.mark.parametrize(("origin", "granted"), [(A, A), (B, B), (f"{A}.evil.example", None), ("", None), (None, None)])
def test_of_several_origins_exactly_the_callers_is_answered(origin: str | None, granted: str | None) -> None:
    fields = dict(preflight_fields((A, B), origin))

    assert fields.get("Access-Control-Allow-Origin") == granted
    assert fields["Vary"] == "Origin"


@pytest.mark.parametrize(("allowed", "granted"), [((A,), A), (("*",), "*"), ((A, B), "*")])
def test_the_gateways_own_errors_cannot_depend_on_the_caller(allowed: tuple[str, ...], granted: str) -> None:
    assert dict(error_fields(allowed)) == {
        "Access-Control-Allow-Origin": granted,
        "Access-Control-Expose-Headers": "X-Request-Id, x-amzn-RequestId, Retry-After",
    }
