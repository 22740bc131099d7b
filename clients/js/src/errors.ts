import type { FailureProblem } from "./events.js";

/** The codes of the endpoint's own problems (docs/errors.md). */
export type EndpointCode =
  | "not_acceptable"
  | "media_type_unsupported"
  | "body_too_large"
  | "body_not_json"
  | "body_invalid"
  | "not_found"
  | "method_not_allowed"
  | "origin_not_allowed"
  | "cannot_resume"
  | "model_busy"
  | "quota_exhausted"
  | "prompt_too_long"
  | "model_unavailable"
  | "model_failed"
  | "model_misconfigured"
  | "model_timeout"
  | "answer_not_json"
  | "answer_invalid"
  | "answer_truncated"
  | "answer_refused"
  | "prepare_timeout"
  | "deadline_reached"
  | "internal";

/** The response types of API Gateway, which are the codes of the problems that it sends itself. */
export type GatewayCode =
  | "ACCESS_DENIED"
  | "API_CONFIGURATION_ERROR"
  | "AUTHORIZER_CONFIGURATION_ERROR"
  | "AUTHORIZER_FAILURE"
  | "BAD_REQUEST_BODY"
  | "BAD_REQUEST_PARAMETERS"
  | "DEFAULT_4XX"
  | "DEFAULT_5XX"
  | "EXPIRED_TOKEN"
  | "INTEGRATION_FAILURE"
  | "INTEGRATION_TIMEOUT"
  | "INVALID_API_KEY"
  | "INVALID_SIGNATURE"
  | "MISSING_AUTHENTICATION_TOKEN"
  | "QUOTA_EXCEEDED"
  | "REQUEST_TOO_LARGE"
  | "RESOURCE_NOT_FOUND"
  | "THROTTLED"
  | "UNAUTHORIZED"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "WAF_FILTERED";

/**
 * What this client finds out itself: no response came (`network`), a response ended before its answer (`cut`),
 * the complete answer does not match the schema (`schema_mismatch`), or the response is not what the endpoint
 * sends (`protocol`). A failed response without a problem has the code `http_` and its status.
 */
export type ClientCode = "network" | "cut" | "schema_mismatch" | "protocol" | `http_${number}`;

/** Every code. Your own endpoint can refuse requests with codes of its own, which are strings like any other. */
export type Code = EndpointCode | GatewayCode | ClientCode | (string & {});

/** The answer failed. `code` says why, and is never empty. */
export class StreamError extends Error {
  override readonly name: string = "StreamError"; // a minifier changes the name of the class
  declare readonly code: Code;
  /** The HTTP status of the failure. After the first event, the problem has it. */
  declare readonly status?: number | undefined;
  /** The seconds of the header `Retry-After`, if the response had one. */
  declare readonly retryAfter?: number | undefined;
  declare readonly requestId?: string | undefined;
  /** The problem document (RFC 9457), if there is one. */
  declare readonly problem?: FailureProblem | undefined;
  /** The object so far, if it has begun. */
  declare readonly partial?: unknown;

  /** @internal */
  constructor(code: Code, message: string, details?: Partial<StreamError>) {
    super(message);
    Object.assign(this, { code }, details);
  }
}

/** The response ended before its answer was complete, and without a reason. */
export class StreamCut extends StreamError {
  override readonly name = "StreamCut";

  /** @internal */
  constructor() {
    super("cut", "The answer was cut.");
  }
}
