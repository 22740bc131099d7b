"""Every sentence of the service that was published, in every form that it comes in."""

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from function.aws.bedrock.refusals import REFUSALS, Change, Reason, refusal
from function.stream.errors import ModelError, ModelMisconfigured, ModelUnavailable, PromptTooLong, QuotaExhausted
from local.bedrock import wordings
from local.bedrock.wordings import Wording

MEANINGS: dict[str, tuple[type[ModelError], Reason, Change | None]] = {
    "BLANK": (ModelMisconfigured, Reason.BLANK_TEXT, None),
    "TOO_LONG": (PromptTooLong, Reason.INPUT_TOO_LONG, None),
    "MAX_TOKENS": (ModelMisconfigured, Reason.MAX_TOKENS, None),
    "THINKING": (ModelMisconfigured, Reason.THINKING, None),
    "EFFORT": (ModelMisconfigured, Reason.EFFORT, None),
    "MESSAGES": (ModelMisconfigured, Reason.MESSAGES, None),
    "FORCED_TOOL": (ModelMisconfigured, Reason.FORCED_TOOL, None),
    "PROFILE_NEEDED": (ModelMisconfigured, Reason.PROFILE_NEEDED, None),
    "MODEL_ID": (ModelMisconfigured, Reason.MODEL_ID, None),
    "REGION": (ModelMisconfigured, Reason.REGION, None),
    "RETENTION": (ModelMisconfigured, Reason.RETENTION_MODE, None),
    "ACCOUNT": (ModelMisconfigured, Reason.ACCOUNT, None),
    "GUARDRAIL": (ModelMisconfigured, Reason.GUARDRAIL, None),
    "SUBSCRIPTION": (ModelMisconfigured, Reason.SUBSCRIPTION, None),
    "PAYMENT": (ModelMisconfigured, Reason.PAYMENT, None),
    "ACCESS": (ModelMisconfigured, Reason.MODEL_ACCESS, None),
    "SUBSCRIPTION_PENDING": (ModelUnavailable, Reason.SUBSCRIPTION_PENDING, None),
    "USE_CASE_FORM": (ModelMisconfigured, Reason.USE_CASE_FORM, None),
    "LEGACY_MODEL": (ModelMisconfigured, Reason.LEGACY_MODEL, None),
    "QUOTA_PER_DAY": (QuotaExhausted, Reason.QUOTA_PER_DAY, None),
    "TEMPERATURE": (ModelMisconfigured, Reason.TEMPERATURE, Change.TEMPERATURE),
    "BETA": (ModelMisconfigured, Reason.BETA, Change.BETA),
    "CACHING": (ModelMisconfigured, Reason.CACHING, Change.CACHING),
    "NATIVE_OUTPUT": (ModelMisconfigured, Reason.NATIVE_OUTPUT, Change.NATIVE_OUTPUT),
}
WITHOUT_A_ROW = ("BUSY", "QUOTA", "UNAVAILABLE", "UNKNOWN")


def published(*names: str) -> Iterator[tuple[str, str, str]]:
    """Yield each sentence in each form: the name of its group, its exception, its message."""
    for name in names:
        group: tuple[Wording, ...] = getattr(wordings, name)
        yield from ((name, wording.code, text) for wording in group for text in wording.forms().values())


def raised(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "ConverseStream")


@pytest.mark.parametrize(("name", "code", "message"), list(published(*MEANINGS)))
def test_a_sentence_means_the_same_in_every_form(name: str, code: str, message: str) -> None:
    row = refusal(raised(code, message))

    assert row is not None
    assert (row.kind, row.reason, row.change) == MEANINGS[name]


@pytest.mark.parametrize(("name", "code", "message"), list(published(*WITHOUT_A_ROW)))
def test_what_the_code_says_alone_has_no_row(name: str, code: str, message: str) -> None:
    assert refusal(raised(code, message)) is None, name


def test_every_group_of_sentences_has_a_meaning() -> None:
    groups = {name for name, value in vars(wordings).items() if name.isupper() and isinstance(value, tuple)}

    assert groups == MEANINGS.keys() | set(WITHOUT_A_ROW)
    assert {reason for _, reason, _ in MEANINGS.values()} == set(Reason)
    assert {row.reason for row in REFUSALS} == set(Reason)


def test_a_sentence_in_the_stream_means_the_same() -> None:
    row = refusal(raised("validationException", "Input is too long for requested model."))

    assert row is not None
    assert row.kind is PromptTooLong


@pytest.mark.parametrize(
    "word",
    [
        "temperature",
        "prompt is too long",
        "data retention mode",
        "tool_choice",
        "guardrail",
        "invalid beta",
        "per day",
        "thinking",
        "prompt caching",
    ],
)
def test_a_field_of_the_schema_does_not_change_what_a_refusal_of_the_schema_means(word: str) -> None:
    """The service quotes the schema in its sentence."""
    row = refusal(raised("ValidationException", f"output_config.format.schema: property '{word}' is not supported"))

    assert row is not None
    assert row.change is Change.NATIVE_OUTPUT


def test_a_quota_of_the_day_is_none_of_a_refused_request() -> None:
    """The words alone do not decide: they come with an exception."""
    assert refusal(raised("ValidationException", json.dumps({"limit": "5 per day"}))) is None
