"""Turns every failure of Bedrock, and of the network on the way to it, into an error that names who must act.

The service's codes are listed in botocore's model of ConverseStream; a test compares that list with this one. What its
sentences mean, where they say more than the code, is in ``refusals``.
"""

from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's name
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
)
from urllib3.exceptions import ReadTimeoutError as StreamReadTimeoutError

from ...stream.errors import (
    ModelBusy,
    ModelError,
    ModelFailed,
    ModelMisconfigured,
    ModelTimeout,
    ModelUnavailable,
    PromptTooLong,
    QuotaExhausted,
)
from .refusals import error_code, refusal

BY_CODE: Final[dict[str, type[ModelError]]] = {
    "ThrottlingException": ModelBusy,
    "ServiceQuotaExceededException": QuotaExhausted,
    "ModelNotReadyException": ModelUnavailable,
    "ServiceUnavailableException": ModelUnavailable,
    "InternalServerException": ModelFailed,
    "ModelErrorException": ModelFailed,
    "ModelStreamErrorException": ModelFailed,
    "ModelTimeoutException": ModelTimeout,
    "AccessDeniedException": ModelMisconfigured,
    "ResourceNotFoundException": ModelMisconfigured,
    "ValidationException": ModelMisconfigured,
    "ExpiredTokenException": ModelMisconfigured,
    "UnrecognizedClientException": ModelMisconfigured,
    "InvalidSignatureException": ModelMisconfigured,
    "IncompleteSignatureException": ModelMisconfigured,
    "MissingAuthenticationTokenException": ModelMisconfigured,
}

REFUSED_MODEL: Final = frozenset({"AccessDeniedException", "ResourceNotFoundException"})
"""Codes that refuse the model, unless a sentence says otherwise: another one may be allowed, or exist."""


def as_model_error(error: Exception, *, mostly_prompt: bool = True) -> ModelError:
    """Return the model error for a failure of the call or of its stream.

    ``mostly_prompt`` says whether most of what was sent came from the caller; if not, the caller cannot shorten it.
    """
    if isinstance(error, ClientError):
        return _of_the_service(error, mostly_prompt=mostly_prompt)
    if isinstance(error, ReadTimeoutError | StreamReadTimeoutError):
        return ModelTimeout()
    if isinstance(error, HTTPClientError | ConnectionError):
        return ModelUnavailable()
    if isinstance(error, BotoCoreError) and not isinstance(error, IncompleteReadError):
        return ModelMisconfigured()  # parameters, credentials, region: nothing was sent
    return ModelFailed()


def _of_the_service(error: ClientError, *, mostly_prompt: bool) -> ModelError:
    row = refusal(error)
    if row is None:
        kind = _by_code(error)
        is_of_model = error_code(error) in REFUSED_MODEL
        return ModelMisconfigured(another_may_answer=is_of_model) if kind is ModelMisconfigured else kind()
    if row.kind is PromptTooLong and not mostly_prompt:
        return ModelMisconfigured(row.reason)
    if row.kind is ModelMisconfigured:
        return ModelMisconfigured(row.reason, another_may_answer=row.is_of_model)
    return row.kind(row.reason)


def _by_code(error: ClientError) -> type[ModelError]:
    known = BY_CODE.get(error_code(error))
    if known:
        return known
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return ModelMisconfigured if 400 <= status < 500 else ModelFailed  # noqa: PLR2004 - HTTP's client errors
