"""The sentences with which the service refuses a request before its first byte, as others published them.

A sentence of the model's provider comes wrapped, at times as a JSON envelope. Which wrapping a sentence has differs
between accounts and months, so each can be had in every form.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "The model returned the following errors: "


@dataclass(frozen=True, slots=True)
class Wording:
    """An exception and its message."""

    code: str
    text: str

    def forms(self) -> Mapping[str, str]:
        """Return the message bare, behind the service's prefix, and in a JSON envelope with and without the prefix."""
        error = {"type": "error", "error": {"type": "invalid_request_error", "message": self.text}}
        envelope = json.dumps(error)
        return {
            "bare": self.text,
            "prefix": f"{PREFIX}{self.text}",
            "envelope": envelope,
            "prefix and envelope": f"{PREFIX}{envelope}",
        }


def _invalid(text: str) -> Wording:
    return Wording("ValidationException", text)


def _denied(text: str) -> Wording:
    return Wording("AccessDeniedException", text)


BLANK: Final = (
    _invalid("The text field in the ContentBlock object at messages.0.content.0 is blank. Add text and try again."),
    _invalid("The content field in the Message object at messages.0 is empty. Add a ContentBlock object."),
    _invalid("messages: text content blocks must be non-empty"),
    _invalid("messages: text content blocks must contain non-whitespace text"),
)
TOO_LONG: Final = (
    _invalid("Input is too long for requested model."),
    _invalid("prompt is too long: 208310 tokens > 200000 maximum"),
    _invalid("input length and `max_tokens` exceed context limit: 199000 + 2000 > 200000"),
    _invalid("too many total text bytes: 20971521 > 20971520"),
    _invalid("input tokens exceeded"),
)
MAX_TOKENS: Final = (
    _invalid(
        "The maximum tokens you requested exceeds the model limit of 64000. Try again with a maximum tokens value."
    ),
    _invalid("The maximum tokens you requested exceed the model limit of 64000."),
)
THINKING: Final = (
    _invalid(
        '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
        '"output_config.effort" to control thinking behavior.'
    ),
    _invalid('"thinking.type.disabled" is not supported for this model.'),
    _invalid(
        "thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags: "
        "'disabled', 'enabled'"
    ),
    _invalid("Thinking may not be enabled when tool_choice forces tool use."),
)
EFFORT: Final = (
    _invalid("output_config.effort: Extra inputs are not permitted"),
    _invalid("output_config.effort: Input should be 'low', 'medium' or 'high'"),
    _invalid("This model does not support the effort parameter."),
    _invalid("This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium."),
    _invalid(
        "output_config.effort 'xhigh' is not supported when thinking is disabled on this model. Use effort 'high' or "
        "below, or enable thinking."
    ),
)
MESSAGES: Final = (
    _invalid("A conversation must alternate between user and assistant roles. Make sure the roles alternate."),
    _invalid("A conversation must start with a user message. Try again with a conversation that starts with one."),
    _invalid("This model does not support assistant message prefill. The conversation must end with a user message."),
)
FORCED_TOOL: Final = (
    _invalid('tool_choice: type "tool" and "any" are not supported for this model.'),
    _invalid("This model doesn't support the toolConfig.toolChoice.tool field. Remove it and try again."),
)
PROFILE_NEEDED: Final = (
    _invalid(
        "Invocation of model ID anthropic.claude-opus-5 with on-demand throughput isn\u2019t supported. Retry your "
        "request with the ID or ARN of an inference profile that contains this model."
    ),
)
MODEL_ID: Final = (_invalid("The provided model identifier is invalid."),)
REGION: Final = (
    _invalid("Access to Anthropic models is not allowed from unsupported countries, regions, or territories."),
)
RETENTION: Final = (_invalid("data retention mode 'default' is not available for this model"),)
ACCOUNT: Final = (_invalid("Operation not allowed"),)
GUARDRAIL: Final = (_invalid("The guardrail identifier or version provided in the request does not exist."),)
SUBSCRIPTION: Final = (
    _denied(
        "Model access is denied due to IAM user or service role is not authorized to perform the required AWS "
        "Marketplace actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to enable access to this "
        "model. Please try again after 2 minutes."
    ),
)
PAYMENT: Final = (
    _denied("Model access is denied due to INVALID_PAYMENT_INSTRUMENT:A valid payment instrument must be provided."),
)
ACCESS: Final = (_denied("You don't have access to the model with the specified model ID."),)
SUBSCRIPTION_PENDING: Final = (_denied("MPAgreementBeingCreated"),)
USE_CASE_FORM: Final = (
    Wording(
        "ResourceNotFoundException",
        "Model use case details have not been submitted for this account. Fill out the Anthropic use case details "
        "form before using the model. If you have already filled out the form, try again in 15 minutes.",
    ),
    _invalid("You have not filled out the required use-case form for this model."),
)
LEGACY_MODEL: Final = (
    Wording(
        "ResourceNotFoundException",
        "Access denied. This Model is marked by provider as Legacy and you have not been actively using the model in "
        "the last 15 days. Please upgrade to an active model on Amazon Bedrock",
    ),
)
TEMPERATURE: Final = (
    _invalid("`temperature` is deprecated for this model."),
    _invalid("temperature is deprecated for this model."),
    _invalid("`temperature` may only be set to 1 when thinking is enabled."),
)
BETA: Final = (
    _invalid("invalid beta flag"),
    _invalid("Malformed input request: unknown variant anthropic_beta, please reformat your input and try again."),
)
_NO_CACHING: Final = "You invoked an unsupported model or your request did not allow prompt caching."
CACHING: Final = (
    _denied(_NO_CACHING),
    _invalid(_NO_CACHING),
    _invalid("system.0.cache_control.ttl: Extra inputs are not permitted"),
    _invalid(
        "messages.3.content.0.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
        "cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
    ),
    _invalid("A maximum of 4 blocks with cache_control may be provided. Found 5."),
)
NATIVE_OUTPUT: Final = (
    _invalid("output_config.format: Extra inputs are not permitted"),
    _invalid("This model doesn't support the outputConfig field. Remove outputConfig and try again."),
    _invalid("output_config.format.schema: For 'object' type, property 'temperature' is not supported"),
    _invalid("Schemas contains too many optional parameters (25)"),
    _invalid("Schemas contains too many parameters with union types (17)"),
    _invalid("Too many strict tools (21)"),
    _invalid("Schema is too complex"),
    _invalid("The compiled grammar is too large"),
    _invalid("Grammar compilation timed out."),
    _invalid("tools.0.custom.strict: Extra inputs are not permitted"),
)
QUOTA_PER_DAY: Final = (Wording("ThrottlingException", "Too many tokens per day, please wait before trying again."),)
QUOTA: Final = (Wording("ServiceQuotaExceededException", "Your request exceeds the service quota for your account."),)
BUSY: Final = (
    Wording("ThrottlingException", "Too many tokens, please wait before trying again."),
    Wording("ThrottlingException", "Too many requests, please wait before trying again."),
)
UNAVAILABLE: Final = (
    Wording("ServiceUnavailableException", "Too many connections, please wait before trying again."),
    Wording("ServiceUnavailableException", "Bedrock is unable to process your request."),
)
UNKNOWN: Final = (_invalid("A sentence that nobody has published yet."),)
