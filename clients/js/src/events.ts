/** The typed events as the endpoint writes them (docs/wire.md). */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What is wrong with one value of a request. */
export type BodyError = {
  /** A JSON Pointer into the request. */
  path: string;
  rule: string;
};

interface KnownMembers {
  type: string;
  title: string;
  /** The short name of the error, or the gateway's response type. */
  code: string;
  /** Absent from a problem of the gateway. */
  status?: number;
  detail?: string;
  requestId?: string;
  gatewayRequestId?: string;
  extendedRequestId?: string;
  /** The place in the answer, a JSON Pointer; only with `answer_invalid`. */
  path?: string;
  rule?: string;
  errors?: BodyError[];
}

/** A problem document (RFC 9457). The endpoint can add members. */
export type Problem = KnownMembers & { [member: string]: Json };

/**
 * The problem of a failure. One that is not the endpoint's can lack members. That of `schema_mismatch` is made by this
 * client; its `errors` have the places in the answer.
 */
export interface FailureProblem extends Partial<Omit<KnownMembers, "errors">> {
  code: string;
  errors?: { path: string; rule?: string }[];
}

/** The tokens that the model service counted; the last three where it reports them. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens?: number;
  cacheWriteTokens?: number;
  thinkingTokens?: number;
}

/** One step of the growing object: it sets the value at `path`, or appends to the string there. */
export interface Change {
  path: string;
  value?: Json;
  append?: string;
  closed?: true;
}

export interface StartEvent {
  type: "start";
  at: number;
  id: string;
  model?: string;
}

export interface DeltaEvent {
  type: "delta";
  at: number;
  changes: Change[];
}

export interface SnapshotEvent {
  type: "snapshot";
  at: number;
  value: Json;
}

export interface ThinkingEvent {
  type: "thinking";
  at: number;
  text?: string;
}

export interface RestartEvent {
  type: "restart";
  at: number;
  problem: Problem;
}

export interface CompleteEvent {
  type: "complete";
  at: number;
  value: Json;
  stopReason: string;
  usage: Usage | null;
  outputTokensEstimated?: number;
  model?: string;
}

export interface ErrorEvent {
  type: "error";
  at: number;
  problem: Problem;
  model?: string;
}

/** An event. Later versions of the endpoint can send types and members that this union does not know. */
export type Event =
  | StartEvent
  | DeltaEvent
  | SnapshotEvent
  | ThinkingEvent
  | RestartEvent
  | CompleteEvent
  | ErrorEvent;
