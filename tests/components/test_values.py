"""How one value is read; the arguments themselves are in test_parsing."""

import pytest

from components.values import camel, either


def test_a_key_is_the_camel_case_of_its_argument() -> None:
    assert [camel(name) for name in ("model_id", "kms_key", "throttle")] == ["modelId", "kmsKey", "throttle"]


@pytest.mark.parametrize(("words", "phrase"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")])
def test_words_become_a_phrase(words: list[str], phrase: str) -> None:
    assert either(words) == phrase
