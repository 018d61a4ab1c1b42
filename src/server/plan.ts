// POST /plan: what would become of the Pods if manifests said something else. Invariant: it answers, and does nothing.

import { Hono } from "hono";
import { isJsonObject } from "../pod/json.ts";
import type { ServerContext, ServerEnv } from "./connection.ts";
import { RequestError } from "./request-error.ts";
import { jsonResponse } from "./response.ts";

export interface PlanView {
  plan(question: PlanQuestion, signal: AbortSignal): Promise<PlanAnswer>;
}

export interface PlanQuestion {
  /** Empty: all that are there, as they are. */
  readonly files: readonly PlanFile[];
  /** With units and appc manifests. */
  readonly isDetailed: boolean;
}

export interface PlanFile {
  /** In the manifest directory. */
  readonly name: string;
  /** Undefined: as if it were not there. */
  readonly text: string | undefined;
}

export interface PlanAnswer {
  /** Why the manifests are not ready, so that nothing would be stopped. */
  readonly unreadable?: string | undefined;
  readonly files: readonly PlannedFile[];
}

export interface PlannedFile {
  readonly path: string;
  /** One line each: then nothing of it changes. */
  readonly problems: readonly string[];
  readonly pods: readonly PlannedPod[];
}

export interface PlannedPod {
  readonly namespace: string;
  readonly name: string;
  readonly change: "start" | "replace" | "update" | "keep" | "wait" | "remove";
  readonly why: string;
  /** Why it could not be started, as far as that is known. */
  readonly problem?: string;
  /** What is not known before its images are fetched. */
  readonly unknown: readonly string[];
  readonly stages: readonly PlannedStage[];
}

export interface PlannedStage {
  /** `containers`, `init:NAME`, `sidecar:NAME`. */
  readonly stage: string;
  readonly unit: string;
  readonly appc: object;
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
