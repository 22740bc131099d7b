"""The names of arguments as plain data, on shapes of the test's own."""

import re

import pytest

from function.arguments import ANY_KEY, ArgumentError, Shape, camel, either, named

PRICE: Shape = {"input_price": None, "output_price": None}
SHAPE: Shape = {
    "max_tokens": None,
    "tags": None,
    "dashboard": {"prices": PRICE},
    "steps": [PRICE],
    "routes": {ANY_KEY: PRICE},
}


def test_a_key_is_the_camel_case_of_its_argument() -> None:
    assert [camel(name) for name in ("model_id", "kms_key", "throttle")] == ["modelId", "kmsKey", "throttle"]


@pytest.mark.parametrize(("words", "phrase"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")])
def test_words_become_a_phrase(words: list[str], phrase: str) -> None:
    assert either(words) == phrase


def test_keys_become_names_at_every_depth_and_what_the_user_named_stays() -> None:
    given = {
        "maxTokens": 5,
        "tags": {"costCentre": "42"},
        "dashboard": {"prices": {"inputPrice": 1}},
        "steps": [{"outputPrice": 2}, {}],
        "routes": {"inputPrice": {"inputPrice": 3}},
    }
    assert named(SHAPE, given, camel) == {
        "max_tokens": 5,
        "tags": {"costCentre": "42"},
        "dashboard": {"prices": {"input_price": 1}},
        "steps": [{"output_price": 2}, {}],
        "routes": {"inputPrice": {"input_price": 3}},
    }


@pytest.mark.parametrize("value", [5, "a", None, {"dashboard": 5, "steps": {"a": 1}, "routes": [1], "tags": "b"}])
def test_a_value_of_another_shape_is_left_to_whoever_reads_it(value: object) -> None:
    assert named(SHAPE, value, camel) == value


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"dashboard": {"prices": {"inptuPrice": 1}}},
            (
                "dashboard.prices.inptuPrice: there is no such argument. Did you mean dashboard.prices.inputPrice? "
                "dashboard.prices has inputPrice and outputPrice."
            ),
        ),
        (
            {"steps": [{}, {"x": 1}]},
            "steps[1].x: there is no such argument. steps[1] has inputPrice and outputPrice.",
        ),
        (
            {"routes": {"invoice": {"input_price": 1}}},
            (
                "routes.invoice.input_price: there is no such argument. Did you mean routes.invoice.inputPrice? "
                "routes.invoice has inputPrice and outputPrice."
            ),
        ),
        ({"maxToken": 1}, "maxToken: there is no such argument. Did you mean maxTokens? docs/settings.md lists the"),
        ({1: 1}, "1: there is no such argument. docs/settings.md lists the arguments."),
    ],
)
def test_an_unknown_key_is_named_by_its_path_with_what_was_expected(given: object, message: str) -> None:
    with pytest.raises(ArgumentError, match=rf"^{re.escape(message)}"):
        named(SHAPE, given, camel)


def test_a_program_reads_the_names_as_it_writes_them() -> None:
    with pytest.raises(ArgumentError, match=r"^maxTokens: there is no such argument\. Did you mean max_tokens\?"):
        named(SHAPE, {"maxTokens": 1}, str)
