// The same function in Node: Middy streams what the AI SDK makes of the model's answer. MODEL decides how the provider
// asks for it: a forced tool, or native structured output.
import { Readable } from "node:stream";
import { createAmazonBedrock } from "@ai-sdk/amazon-bedrock";
import middy from "@middy/core";
import { Output, streamText } from "ai";
import { z } from "zod";
import { serve } from "./runtime.mjs";

const question = z.object({ prompt: z.string() });
const answer = z.object({ summary: z.string(), keywords: z.array(z.string()) });
const bedrock = createAmazonBedrock();

async function stream(event) {
  const { prompt } = question.parse(JSON.parse(event.body));
  const output = Output.object({ schema: answer });
  const model = bedrock(process.env.MODEL);
  const { textStream } = streamText({ model, output, prompt, maxOutputTokens: 2000, maxRetries: 0 });
  return { statusCode: 200, headers: { "Content-Type": "text/plain" }, body: Readable.fromWeb(textStream) };
}

serve(middy({ streamifyResponse: true }).handler(stream));
