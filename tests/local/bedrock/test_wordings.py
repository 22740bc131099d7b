import json

from local.bedrock import wordings
from local.bedrock.script import STATUS
from local.bedrock.wordings import PREFIX, Wording


def test_a_sentence_can_be_had_in_every_form() -> None:
    forms = Wording("ValidationException", 'a "sentence"').forms()

    assert forms["bare"] == 'a "sentence"'
    assert forms["prefix"] == f'{PREFIX}a "sentence"'
    assert json.loads(forms["envelope"])["error"]["message"] == 'a "sentence"'
    assert forms["prefix and envelope"] == PREFIX + forms["envelope"]


def test_every_sentence_comes_with_an_exception_that_has_a_status() -> None:
    groups = [value for name, value in vars(wordings).items() if name.isupper() and isinstance(value, tuple)]

    assert groups
    assert {wording.code for group in groups for wording in group} <= STATUS.keys() | {"ServiceQuotaExceededException"}
