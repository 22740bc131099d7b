import type { StreamError } from "./errors.js";

/** Longest wait before a request is sent again, in seconds. */
const LONGEST = 30;
/** Longest wait before the second attempt where the response names none, in seconds. It doubles each time. */
const FIRST = 5;

/**
 * The model was not called, so that it costs nothing to send the request again: three codes of problems, and what Node
 * reports if it could not connect. A browser does not tell that from a connection that broke.
 */
const SAFE =
  /^(model_busy|model_unavailable|THROTTLED|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|E(HOST|NET)UNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/**
 * Returns the milliseconds to wait before a failed request is sent again, or undefined if it must not be.
 *
 * Each request is a model call that is paid. So nothing is sent again that may have reached the model.
 */
export function retryDelay({ code, retryAfter = 0, cause }: StreamError, attempt: number): number | undefined {
  const ofNode = (cause as { cause?: { code?: string } } | undefined)?.cause?.code;
  if (!SAFE.test(ofNode ?? code)) return undefined;
  const seconds = retryAfter + Math.random() * FIRST * 2 ** attempt;
  return seconds > LONGEST ? undefined : seconds * 1000;
}
