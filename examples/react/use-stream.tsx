import { createRoot } from "react-dom/client";
import { useStream } from "streaming-llm-client/react";
import { Answer, ENDPOINT } from "./answer.js";

function Page() {
  const { partial, status, problem, submit, stop } = useStream(ENDPOINT, { schema: Answer });
  return (
    <main>
      <button onClick={() => submit({ prompt: "Why is serverless cheap?" })}>Ask</button>
      <button onClick={stop} disabled={status !== "streaming"}>
        Stop
      </button>
      <p>{partial?.summary}</p>
      <ul>{partial?.keywords?.map((keyword) => <li key={keyword}>{keyword}</li>)}</ul>
      <p role="status">{problem ? `${status}: ${problem.code}` : status}</p>
    </main>
  );
}

createRoot(document.getElementById("root")!).render(<Page />);
