"""Describes a response that is not the expected one, and says what to do about it."""

from typing import Final

from .endpoint import OK, Response

CHECK_URL: Final = (
    "Check that the URL is one that `pulumi stack output ApiUrls` prints (it ends in /v1/stream, or /v1/ and a route)."
)
ADD_CREDENTIALS: Final = "set the environment variable API_KEY, or add --sigv4 (make: SIGV4=1)."
READ_LOG: Final = "The function's log line of this request names the cause."
COMPILING: Final = "Bedrock takes minutes to compile a new schema: --warm (make: WARM=1) waits for it."
SCHEMA_BROKEN: Final = (
    "The model's answer does not match the schema. If that happens every time, try another model or other instructions."
)
BY_CODE: Final = {
    "INVALID_API_KEY": "The endpoint requires a valid API key. Set the environment variable API_KEY to what "
    "`pulumi stack output ApiKey --show-secrets` prints.",
    "MISSING_AUTHENTICATION_TOKEN": f"{CHECK_URL} If it requires signed requests, add --sigv4 (make: SIGV4=1).",
    "ACCESS_DENIED": "Check that the credentials allow execute-api:Invoke, and that the API's resource policy allows "
    "this network.",
    "INVALID_SIGNATURE": "Check the AWS credentials (aws sts get-caller-identity).",
    "EXPIRED_TOKEN": "The AWS credentials have expired: log in again.",
    "UNAUTHORIZED": "A token is required; verify cannot send one.",
    "WAF_FILTERED": "The web ACL refuses this caller.",
    "THROTTLED": "Other callers may be using up the limit; see the component's argument `throttle`.",
    "QUOTA_EXCEEDED": "The quota of this API key is used up.",
    "model_timeout": COMPILING,
    "deadline_reached": f"The model takes longer than the component's argument `timeout` allows. {COMPILING}",
    "answer_not_json": SCHEMA_BROKEN,
    "answer_invalid": SCHEMA_BROKEN,
    "answer_truncated": "The component's argument `maxTokens` is too small for this answer.",
    "answer_refused": "The model or the guardrail refuses this prompt. Send another one with --body (make: BODY=).",
}
"""What to do about the code of a problem."""
BY_STATUS: Final = {
    400: "The request is not JSON: check --body (make: BODY=).",
    401: f"The endpoint requires credentials: {ADD_CREDENTIALS}",
    403: f"{CHECK_URL} If it requires credentials, {ADD_CREDENTIALS}",
    422: "The endpoint's request class expects another request: name it with --config (make: CONFIG=), or with "
    "LLM_REQUEST and --code (make: CODE=), so that its example is sent; or send a file with --body (make: BODY=).",
    429: "The model's quota is used up. Try again later.",
    500: "Check that the function starts and that its concurrency is not used up: see its log group and the API's "
    "access log.",
    502: READ_LOG,
    504: COMPILING,
}
"""What to do about a status if the code is unknown."""


def advice_for(response: Response) -> str:
    """Return what to do about a response; an empty string if nothing is known about it."""
    if response.media_type.startswith("text/html"):
        return f"The URL serves an HTML page. {CHECK_URL}"
    if location := response.headers.get("location"):
        return f"The URL redirects to {location}. If that is the endpoint, use it as the URL."
    return BY_CODE.get(response.code or "") or BY_STATUS.get(response.status, "")


def describe(response: Response) -> str:
    """Return the status, what the body says about it, and the request's id."""
    content = response.media_type
    problem = response.document()
    if isinstance(problem, dict) and response.status != OK:
        content = " ".join(str(problem[name]) for name in ("code", "title", "detail", "message") if name in problem)
    return f"status {response.status} {' '.join(content.split())}".rstrip(" .") + with_id(response)


def with_id(response: Response) -> str:
    """Return the request's id in brackets, for a search in the log; an empty string if there is none."""
    return f" (request {response.request_id})" if response.request_id else ""
