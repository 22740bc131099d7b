// The least that a streaming function in Node needs of the Runtime API, with the globals that Lambda's own Node has.
import http from "node:http";
import { PassThrough } from "node:stream";

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true });
const path = "/2018-06-01/runtime/invocation";

globalThis.awslambda = {
  streamifyResponse: (handler) => handler,
  HttpResponseStream: {
    from(stream, prelude) {
      stream.write(JSON.stringify(prelude) + "\0".repeat(8));
      return stream;
    },
  },
};

export async function serve(handler) {
  for (;;) {
    const { headers, body } = await call({ method: "GET", path: `${path}/next` });
    await respond(headers["lambda-runtime-aws-request-id"], handler, JSON.parse(body));
  }
}

async function respond(id, handler, event) {
  const stream = new PassThrough();
  const headers = {
    "Lambda-Runtime-Function-Response-Mode": "streaming",
    "Content-Type": "application/vnd.awslambda.http-integration-response",
    "Transfer-Encoding": "chunked",
  };
  const accepted = call({ method: "POST", path: `${path}/${id}/response`, headers }, stream);
  await handler(event, stream, {});
  await accepted;
}

function call(options, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, agent, ...options }, async (response) => {
      const parts = [];
      for await (const part of response) parts.push(part);
      resolve({ headers: response.headers, body: Buffer.concat(parts).toString() });
    });
    request.on("error", reject);
    if (body) body.pipe(request);
    else request.end();
  });
}
