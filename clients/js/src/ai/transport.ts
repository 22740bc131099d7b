import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";
import type { ClientOptions } from "../request.js";
import { open } from "../stream.js";

export interface StreamingLlmTransportOptions<Message extends UIMessage> extends ClientOptions {
  /** The URL of the endpoint. */
  readonly api: string;
  /** Makes the request of the messages; the default is the text of the user's last message, as the prompt. */
  readonly body?: ((messages: Message[]) => unknown) | undefined;
  /** The name of the data part: "answer" makes `data-answer`, which is the default. */
  readonly name?: string | undefined;
}

/** Milliseconds between two states of the object that are shown. */
const PACE = 50;

/** A transport for `useChat` of the AI SDK: the answer is one data part of the message, which grows. */
export class StreamingLlmTransport<Message extends UIMessage = UIMessage> implements ChatTransport<Message> {
  readonly #options: StreamingLlmTransportOptions<Message>;

  constructor(options: StreamingLlmTransportOptions<Message>) {
    this.#options = options;
  }

  /** Sends the messages. A failure is the error of the stream: a `StreamError`. */
  readonly sendMessages: ChatTransport<Message>["sendMessages"] = async ({ messages, abortSignal, headers }) => {
    const { api, body = lastText, name = "answer", ...client } = this.#options;
    const stream = open<unknown, unknown>(
      api,
      body(messages),
      { ...client, headers: both(client.headers, headers) },
      { signal: abortSignal },
    );
    const partials = stream[Symbol.asyncIterator]();
    const part = (data: unknown) => ({ type: `data-${name}`, id: name, data }) as UIMessageChunk;
    return new ReadableStream<UIMessageChunk>(
      {
        start(controller) {
          controller.enqueue({ type: "start" });
          void stream.final(); // the object grows on during a pause: the next state is the newest one
        },
        async pull(controller) {
          const { done, value } = await partials.next();
          controller.enqueue(part(done ? (await stream.final()).value : structuredClone(value)));
          await new Promise((resolve) => setTimeout(resolve, PACE)); // also before a failure, which would drop it
          if (!done) return;
          controller.enqueue({ type: "finish" });
          controller.close();
        },
        async cancel() {
          await partials.return!();
        },
      },
      { highWaterMark: 0 },
    );
  };

  /** Returns null: an answer cannot be resumed. */
  readonly reconnectToStream: ChatTransport<Message>["reconnectToStream"] = async () => null;
}

function lastText(messages: UIMessage[]): string {
  const parts = messages.findLast(({ role }) => role === "user")?.parts ?? [];
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** Returns headers of the transport with those of one message, which count where both have one. */
function both(ofTransport: ClientOptions["headers"], ofMessage?: HeadersInit): ClientOptions["headers"] {
  return async (request) => {
    const headers = new Headers(typeof ofTransport === "function" ? await ofTransport(request) : ofTransport);
    new Headers(ofMessage).forEach((value, name) => headers.set(name, value));
    return headers;
  };
}
