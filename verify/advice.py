"""What a refusal says, and what to do about it: sentences for people."""

from typing import Final

from .endpoint import OK, Answer

WHERE: Final = "Is URL= the whole endpoint (…/v1/stream, what pulumi stack output ApiUrl says)?"
LOG: Final = "The function's log line of this request names the cause"
COMPILING: Final = "A schema that is new to the service takes minutes to compile: WARM=1 waits for it"
BY_CODE: Final = {
    "INVALID_API_KEY": "It wants an API key that it knows: API_KEY=…, what pulumi stack output ApiKey "
    "--show-secrets says",
    "MISSING_AUTHENTICATION_TOKEN": f"{WHERE} Does it want signed requests (SIGV4=1)?",
    "ACCESS_DENIED": "Do the credentials allow execute-api:Invoke? Does a policy refuse this network?",
    "INVALID_SIGNATURE": "Are the AWS credentials right (aws sts get-caller-identity)?",
    "EXPIRED_TOKEN": "The AWS credentials have expired: log in again",
    "UNAUTHORIZED": "Its authorizer wants a token, which cannot be shown from here",
    "WAF_FILTERED": "The web ACL refuses this caller",
    "THROTTLED": "Does somebody else call all the time? The throttle argument says how many requests it takes",
    "QUOTA_EXCEEDED": "The quota of this API key is used up",
    "model_timeout": COMPILING,
    "deadline_reached": f"The model takes longer than the timeout argument allows. {COMPILING}",
    "answer_not_json": "The model does not keep to the schema. If it never does: another model, or instructions",
    "answer_invalid": "The model does not keep to the schema. If it never does: another model, or instructions",
    "answer_truncated": "maxTokens is too small for this answer",
    "answer_refused": """The model, or the guardrail, does not answer this: BODY='{"prompt": "…"}'""",
}
"""What to do about a code."""
BY_STATUS: Final = {
    400: "BODY= is no JSON",
    401: "It wants to know who calls: API_KEY=… or SIGV4=1",
    403: f"{WHERE} Does it want API_KEY=… or SIGV4=1?",
    422: """Its request class takes another body: BODY='{"…": …}'""",
    429: "The model's quota is used up: try again later",
    500: "Does the function start? Is its concurrency used up? Its log group and the stage's access log tell",
    502: LOG,
    504: COMPILING,
}
"""What to do about a status whose code says nothing."""


def hint(answer: Answer) -> str:
    """Say what to do about a refusal, or nothing."""
    if answer.media_type.startswith("text/html"):
        return f"A web page answers. {WHERE}"
    if moved := answer.headers.get("location"):
        return f"It sends callers to {moved}: say URL={moved}"
    return BY_CODE.get(answer.code or "") or BY_STATUS.get(answer.status, "")


def told(answer: Answer) -> str:
    """Return status, code and words of a refusal, and the request's id."""
    problem = answer.document()
    words = answer.media_type
    if isinstance(problem, dict) and answer.status != OK:
        words = " ".join(str(problem[name]) for name in ("code", "title", "detail", "message") if name in problem)
    return f"status {answer.status} {words}".rstrip(" .") + named(answer)


def named(answer: Answer) -> str:
    """Return the request's id, to be looked for in the log."""
    request_id = answer.headers.get("x-request-id") or answer.headers.get("x-amzn-requestid")
    return f" (request {request_id})" if request_id else ""
