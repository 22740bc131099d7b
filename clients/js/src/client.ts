import type { ClientOptions } from "./request.js";
import type { Schema } from "./schema.js";
import { open, type Stream, type StreamOptions } from "./stream.js";

/** A client of one endpoint, or of one of its routes. */
export class Client {
  /**
   * Returns a stream for one request. Nothing is sent before it is iterated or its `final()` is called.
   *
   * @param request an object of the endpoint's request class, or a text, which is the prompt.
   * @param options with a `schema` (Standard Schema), the complete answer is validated.
   */
  readonly stream: {
    <Input, Output>(
      request: unknown,
      options: StreamOptions & { readonly schema: Schema<Input, Output> },
    ): Stream<Output, Input>;
    <Value = unknown>(request?: unknown, options?: StreamOptions): Stream<Value>;
  };

  /** @param url the full URL, such as `https://….amazonaws.com/v1/stream`; in a browser, it can be relative. */
  constructor(url: string | URL, options: ClientOptions = {}) {
    this.stream = (request: unknown, ofRequest: StreamOptions = {}) =>
      open<any, any>(String(url), request, options, ofRequest);
  }
}
