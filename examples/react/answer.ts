import { z } from "zod";

/** Where `make serve` serves the endpoint. Put the URL of your stack here. */
export const ENDPOINT = "http://127.0.0.1:8000/v1/stream";

/** The class of the endpoint's answer. Its own default is this one. */
export const Answer = z.object({ summary: z.string(), keywords: z.array(z.string()) });
