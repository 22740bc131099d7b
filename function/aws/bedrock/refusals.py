"""What the service's sentences mean: the error that each becomes, its reason in one word, and what to leave out.

The sentences are those that others published: pydantic-ai, litellm, strands, langchain-aws, and issues of their users.
A sentence of the model's provider comes bare, after "The model returned the following errors: ", or in a JSON
envelope, and can quote the request. So a pattern can match anywhere in it, and the first row that matches counts.
"""

import re
from collections.abc import Sequence
from enum import Enum, StrEnum, auto
from typing import Final, NamedTuple

from botocore.exceptions import ClientError

from ...stream.errors import ModelError, ModelMisconfigured, ModelUnavailable, PromptTooLong, QuotaExhausted


class Reason(StrEnum):
    """Why the service refused. The log line has this word, because the service's sentence can quote the prompt."""

    BLANK_TEXT = "blank_text"
    INPUT_TOO_LONG = "input_too_long"
    MAX_TOKENS = "max_tokens"
    THINKING = "thinking"
    EFFORT = "effort"
    MESSAGES = "messages"
    FORCED_TOOL = "forced_tool"
    PROFILE_NEEDED = "profile_needed"
    MODEL_ID = "model_id"
    REGION = "region"
    RETENTION_MODE = "retention_mode"
    ACCOUNT = "account"
    GUARDRAIL = "guardrail"
    SUBSCRIPTION_PENDING = "subscription_pending"
    PAYMENT = "payment"
    SUBSCRIPTION = "subscription"
    USE_CASE_FORM = "use_case_form"
    LEGACY_MODEL = "legacy_model"
    MODEL_ACCESS = "model_access"
    QUOTA_PER_DAY = "quota_per_day"
    TEMPERATURE = "temperature"
    BETA = "beta"
    CACHING = "caching"
    NATIVE_OUTPUT = "native_output"


class Change(Enum):
    """What a repeated call leaves out."""

    TEMPERATURE = auto()
    BETA = auto()
    CACHING = auto()
    NATIVE_OUTPUT = auto()


class Refusal(NamedTuple):
    """What one of the service's sentences means."""

    pattern: str
    """A regular expression for a part of the sentence. It is compiled when the service first refuses something."""
    codes: frozenset[str]
    """The exceptions that come with the sentence."""
    reason: Reason
    kind: type[ModelError] = ModelMisconfigured
    """The error that the client is shown."""
    change: Change | None = None

    def matches(self, sentence: str) -> bool:
        """Return whether the sentence matches the pattern."""
        return re.search(self.pattern, sentence, re.IGNORECASE | re.DOTALL) is not None

    @property
    def is_of_model(self) -> bool:
        """Whether this model alone is refused: the account may be able to call another one."""
        return self.reason in _OF_MODEL


_OF_MODEL: Final = frozenset(
    {
        Reason.PROFILE_NEEDED,
        Reason.RETENTION_MODE,
        Reason.PAYMENT,
        Reason.SUBSCRIPTION,
        Reason.USE_CASE_FORM,
        Reason.LEGACY_MODEL,
        Reason.MODEL_ACCESS,
    }
)
_INVALID: Final = frozenset({"ValidationException"})
_NO_ACCESS: Final = frozenset({"AccessDeniedException", "ResourceNotFoundException", "ValidationException"})
_THROTTLED: Final = frozenset({"ThrottlingException"})

_NOT_OF_THE_SCHEMA: Final = r"\A(?!.*(?:output_?config|output_?format|text_?format|json_?schema|custom\.))"
"""A sentence about the schema can quote the names of its fields, such as ``temperature``."""


def _row(
    reason: Reason,
    pattern: str,
    codes: frozenset[str] = _INVALID,
    kind: type[ModelError] = ModelMisconfigured,
    change: Change | None = None,
) -> Refusal:
    """Return a row for sentences that match ``pattern`` and are not about the schema."""
    return Refusal(f"{_NOT_OF_THE_SCHEMA}.*(?:{pattern})", codes, reason, kind, change)


_OF_THE_CALLER: Final = (
    _row(
        Reason.BLANK_TEXT,
        r"text field in the ContentBlock .*is blank|content field in the Message .*is empty"
        r"|text content blocks must (?:be non-empty|contain non-whitespace)",
    ),
    _row(
        Reason.INPUT_TOO_LONG,
        r"input is too long|prompt is too long|input length and .{0,3}max_tokens.{0,3} exceed|too many total text bytes"
        r"|input tokens exceeded",
        kind=PromptTooLong,
    ),
)
_OF_THE_OPERATOR: Final = (
    _row(Reason.QUOTA_PER_DAY, r"per day", _THROTTLED, QuotaExhausted),
    _row(Reason.MAX_TOKENS, r"maximum tokens you requested exceed|max_tokens: \d+ > \d+"),
    Refusal(r"thinking\.type\.\w+.{1,3} is not supported|thinking: input tag", _INVALID, Reason.THINKING),
    _row(Reason.THINKING, r"thinking may not be enabled"),
    Refusal(r"output_config\.effort|does not support (?:the )?effort (?:parameter|level)", _INVALID, Reason.EFFORT),
    _row(Reason.MESSAGES, r"conversation must (?:alternate|start|end)|assistant message prefill"),
    _row(Reason.FORCED_TOOL, r"tool_choice|toolConfig\.toolChoice"),
    _row(Reason.PROFILE_NEEDED, r"on-demand throughput isn.{1,6}t supported"),
    _row(Reason.MODEL_ID, r"provided model identifier is invalid"),
    _row(Reason.REGION, r"unsupported countries, regions", _NO_ACCESS),
    _row(Reason.RETENTION_MODE, r"data retention mode", _NO_ACCESS),
    _row(Reason.ACCOUNT, r"\boperation not allowed", _NO_ACCESS),
    _row(Reason.GUARDRAIL, r"the guardrail identifier or version", _NO_ACCESS),
    _row(Reason.SUBSCRIPTION_PENDING, r"MPAgreementBeingCreated", _NO_ACCESS, ModelUnavailable),
    _row(Reason.PAYMENT, r"INVALID_PAYMENT_INSTRUMENT|valid payment instrument", _NO_ACCESS),
    _row(Reason.SUBSCRIPTION, r"aws.marketplace", _NO_ACCESS),
    _row(Reason.USE_CASE_FORM, r"model use case details|required use.case form", _NO_ACCESS),
    _row(Reason.LEGACY_MODEL, r"marked by provider as legacy", _NO_ACCESS),
    _row(Reason.MODEL_ACCESS, r"don.{1,6}t have access to the model", _NO_ACCESS),
)
_OF_A_PARAMETER: Final = (
    _row(Reason.TEMPERATURE, r"\btemperature\b", change=Change.TEMPERATURE),
    _row(Reason.BETA, r"invalid beta flag|anthropic_beta", change=Change.BETA),
    _row(Reason.CACHING, r"prompt caching|cache_control", _NO_ACCESS, change=Change.CACHING),
)
_OF_THE_OUTPUT: Final = (
    Refusal(
        r"output_?(?:config|format)|text_?format|json_?schema|\bgrammar\b|schema is too complex"
        r"|schemas? contains? too many|strict tools|custom\.strict",
        _INVALID,
        Reason.NATIVE_OUTPUT,
        change=Change.NATIVE_OUTPUT,
    ),
)
REFUSALS: Final[Sequence[Refusal]] = (*_OF_THE_CALLER, *_OF_THE_OPERATOR, *_OF_A_PARAMETER, *_OF_THE_OUTPUT)
"""The first row that matches counts."""


def error_code(error: ClientError) -> str:
    """Return the service's code in one spelling: in the stream it comes in camel case, before it in Pascal case."""
    code = error.response.get("Error", {}).get("Code", "")
    return code[:1].upper() + code[1:]


def refusal(error: ClientError) -> Refusal | None:
    """Return the row that matches the service's sentence, or None."""
    code, text = error_code(error), error.response.get("Error", {}).get("Message")
    if not isinstance(text, str):  # botocore does not check the types of what it reads
        return None
    return next((row for row in REFUSALS if code in row.codes and row.matches(text)), None)


def is_refusal(error: ClientError) -> bool:
    """Return whether the service refused the content of the request, and not its caller or its time."""
    return error_code(error) == "ValidationException"
