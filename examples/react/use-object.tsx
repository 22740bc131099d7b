import { experimental_useObject as useObject } from "@ai-sdk/react";
import { createRoot } from "react-dom/client";
import { StreamError, objectFetch } from "streaming-llm-client/ai";
import { Answer, ENDPOINT } from "./answer.js";

const fetch = objectFetch({ onComplete: ({ usage, requestId }) => console.log(requestId, usage) });

function Page() {
  const { object, error, isLoading, submit, stop } = useObject({ api: ENDPOINT, schema: Answer, fetch });
  return (
    <main>
      <button onClick={() => submit({ prompt: "Why is serverless cheap?" })}>Ask</button>
      <button onClick={stop} disabled={!isLoading}>
        Stop
      </button>
      <p>{object?.summary}</p>
      <ul>{object?.keywords?.map((keyword) => <li key={keyword}>{keyword}</li>)}</ul>
      <p role="status">{error instanceof StreamError ? `failed: ${error.code}` : error?.message}</p>
    </main>
  );
}

createRoot(document.getElementById("root")!).render(<Page />);
