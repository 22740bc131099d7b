export { StreamCut, StreamError } from "../errors.js";
export { objectFetch, type ObjectFetchOptions } from "./object-fetch.js";
export { StreamingLlmTransport, type StreamingLlmTransportOptions } from "./transport.js";
