"""Maps every failure of Bedrock, and of the network on the way to it, to an error that names who must act.

The service's codes are listed in botocore's model of ConverseStream; a test compares that list with this one.
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

from ...stream.errors import ModelBusy, ModelError, ModelFailed, ModelMisconfigured, ModelTimeout, ModelUnavailable

BY_CODE: Final[dict[str, type[ModelError]]] = {
    "ThrottlingException": ModelBusy,
    "ServiceQuotaExceededException": ModelBusy,
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


def error_code(error: ClientError) -> str:
    """Return the service's code in one spelling: in the stream it comes in camel case, before it in Pascal case."""
    code = error.response.get("Error", {}).get("Code", "")
    return code[:1].upper() + code[1:]


def as_model_error(error: Exception) -> ModelError:
    """Return the model error for a failure of the call or of its stream."""
    if isinstance(error, ClientError):
        return _by_code(error)()
    if isinstance(error, ReadTimeoutError | StreamReadTimeoutError):
        return ModelTimeout()
    if isinstance(error, HTTPClientError | ConnectionError):
        return ModelUnavailable()
    if isinstance(error, BotoCoreError) and not isinstance(error, IncompleteReadError):
        return ModelMisconfigured()  # parameters, credentials, region: nothing was sent
    return ModelFailed()


def _by_code(error: ClientError) -> type[ModelError]:
    known = BY_CODE.get(error_code(error))
    if known:
        return known
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return ModelMisconfigured if 400 <= status < 500 else ModelFailed  # noqa: PLR2004 - HTTP's client errors
