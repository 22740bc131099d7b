
export { Client } from "./client.js";
export { StreamCut, StreamError } from "./errors.js";
export type { ClientCode, Code, EndpointCode, GatewayCode } from "./errors.js";
export type {
  BodyError,
  Change,
  CompleteEvent,
  DeltaEvent,
  ErrorEvent,
  Event,
  FailureProblem,
  Json,
  Problem,
  RestartEvent,
  SnapshotEvent,
  StartEvent,
  ThinkingEvent,
  Usage,
} from "./events.js";
export type { ClientOptions, OutgoingRequest, Timeout } from "./request.js";
export type { DeepPartial, Schema } from "./schema.js";
export type { Final, Stream, StreamOptions } from "./stream.js";
