import { useChat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import type { z } from "zod";
import { createRoot } from "react-dom/client";
import type { DeepPartial } from "streaming-llm-client";
import { StreamError, StreamingLlmTransport } from "streaming-llm-client/ai";
import { Answer, ENDPOINT } from "./answer.js";

type Message = UIMessage<unknown, { answer: DeepPartial<z.infer<typeof Answer>> }>;

const transport = new StreamingLlmTransport<Message>({ api: ENDPOINT });

function Page() {
  const { messages, status, error, sendMessage, stop } = useChat<Message>({ transport });
  const isStreaming = status === "streaming" || status === "submitted";
  return (
    <main>
      {messages.map((message) => (
        <section key={message.id}>
          {message.parts.map((part, index) => (
            <Part key={index} part={part} />
          ))}
        </section>
      ))}
      <button onClick={() => sendMessage({ text: "Why is serverless cheap?" })}>Ask</button>
      <button onClick={stop} disabled={!isStreaming}>
        Stop
      </button>
      <p role="status">{error instanceof StreamError ? `failed: ${error.code}` : status}</p>
    </main>
  );
}

function Part({ part }: { part: Message["parts"][number] }) {
  if (part.type === "text") return <p>{part.text}</p>;
  if (part.type !== "data-answer") return null;
  const { summary, keywords } = part.data;
  return (
    <>
      <p>{summary}</p>
      <ul>{keywords?.map((keyword) => <li key={keyword}>{keyword}</li>)}</ul>
    </>
  );
}

createRoot(document.getElementById("root")!).render(<Page />);
