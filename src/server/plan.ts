// POST /plan: what would become of the Pods if manifests said something else. Invariant: it answers, and does nothing.

import { Hono } from "hono";
import { isJsonObject } from "../pod/json.ts";
import type { PlanAnswer, PlanFile, PlanQuestion } from "../pod/plan-question.ts";
import type { ServerContext, ServerEnv } from "./connection.ts";
import { RequestError } from "./request-error.ts";
import { jsonResponse } from "./response.ts";

export interface PlanView {
  plan(question: PlanQuestion, signal: AbortSignal): Promise<PlanAnswer>;
}

/** More manifests are no question of a person's. */
const bodyBytesMax = 8 * 1024 * 1024;
const stallMs = 30_000;

export function planRoutes({ plans }: { plans: PlanView }): Hono<ServerEnv> {
  return new Hono<ServerEnv>().post("/plan", async (c) => {
    const question = decode(await bodyOf(c));
    return jsonResponse(await plans.plan(question, c.req.raw.signal));
  });
}

async function bodyOf(c: ServerContext): Promise<unknown> {
  c.env.keepOpen(stallMs);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new RequestError(413, `The body is longer than ${bodyBytesMax} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new RequestError(400, "The body must be JSON");
  }
}

function decode(body: unknown): PlanQuestion {
  const { files = [], isDetailed = false } = isJsonObject(body) ? body : {};
  if (!Array.isArray(files) || typeof isDetailed !== "boolean") throw malformed();
  return { isDetailed, files: files.map(decodeFile) };
}

function decodeFile(file: unknown): PlanFile {
  const { name, text } = isJsonObject(file) ? file : {};
  if (
    typeof name !== "string" ||
    !/^(?!\.{1,2}$)[^/\0]+$/.test(name) ||
    !(text === undefined || typeof text === "string")
  )
    throw malformed();
  return { name, text };
}

function malformed(): RequestError {
  return new RequestError(
    400,
    'The body must be like {"files": [{"name": "web.yaml", "text": "…"}], "isDetailed": false}',
  );
}
