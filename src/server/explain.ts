// GET /pods/{namespace}/{name}/explain: why a Pod is not Ready, as text for people, or as JSON.

import { Hono } from "hono";
import type { Clock } from "../host/clock.ts";
import { formatAge } from "../pod/age.ts";
import { printable } from "../pod/printable.ts";
import type { Explanation } from "../status/explain.ts";
import type { ExplainedStep } from "../status/explain-step.ts";
import type { ServerEnv } from "./connection.ts";
import type { LogSource } from "./logs.ts";
import { type PodsView, podNotFound } from "./pods.ts";
import { jsonResponse, textResponse } from "./response.ts";

export interface ExplainView extends PodsView {
  /** Undefined: there is no such Pod. */
  explain(namespace: string, name: string): Explanation | undefined;
}

export interface ExplainRoutesOptions {
  readonly status: ExplainView;
  readonly logs: LogSource;
  readonly clock: Pick<Clock, "wallMs">;
}

const logLines = 5;
/** At once, for all who ask; each takes a journalctl. */
const logReadsMax = 8;
const logTimeoutMs = 5000;

type LoggedStep = ExplainedStep & { readonly logLines?: readonly string[] };

export function explainRoutes({ status, logs, clock }: ExplainRoutesOptions): Hono<ServerEnv> {
  let logReads = 0;
  /** Without its log where that cannot be read, as the rest of the answer does not depend on it. */
  const logged = async (step: ExplainedStep, signal: AbortSignal): Promise<LoggedStep> => {
    if (step.log === undefined || logReads >= logReadsMax) return step;
    logReads += 1;
    try {
      return await withLog(step, step.log, { logs, signal });
    } catch {
      return step;
    } finally {
      logReads -= 1;
    }
  };
  return new Hono<ServerEnv>().get("/pods/:namespace/:name/explain", async (c) => {
    const { namespace, name } = c.req.param();
    const explanation = status.explain(namespace, name);
    if (explanation === undefined) throw podNotFound(status, namespace, name);
    const signal = AbortSignal.any([AbortSignal.timeout(logTimeoutMs), c.req.raw.signal]);
    const steps = await Promise.all(explanation.steps.map((step) => logged(step, signal)));
    if (c.req.header("accept")?.includes("json")) return jsonResponse({ ...explanation, steps });
    return textResponse(explanationText({ ...explanation, steps }, clock.wallMs()));
  });
}

async function withLog(
  step: ExplainedStep,
  { container, previous }: NonNullable<ExplainedStep["log"]>,
  { logs, signal }: { readonly logs: LogSource; readonly signal: AbortSignal },
): Promise<LoggedStep> {
  const [namespace = "", name = ""] = step.pod.split("/");
  const revisions = previous ? "previous" : "current";
  const asked = { namespace, name, container, revisions, follow: false, tailLines: logLines } as const;
  const log = logs.open({ ...asked, signal });
  if (log.kind !== "stream") return step;
  const lines = (await Array.fromAsync(log.lines)).flat();
  return { ...step, logLines: lines.map(({ message }) => message) };
}

/** Each cause with what is known of it, in their order. */
function explanationText(
  { summary, steps, namespace, name }: Explanation & { readonly steps: readonly LoggedStep[] },
  nowMs: number,
): string {
  const own = `${namespace}/${name}`;
  const parts = steps.map((step, index) => stepLines(step, { number: index + 1, own, nowMs }).join("\n"));
  return `${[summary, ...parts].join("\n\n")}\n`;
}

function stepLines(
  { pod, reason, message, hint, sinceMs, nextTryMs, logLines: lines = [] }: LoggedStep,
  { number, own, nowMs }: { readonly number: number; readonly own: string; readonly nowMs: number },
): readonly string[] {
  const whose = pod === own ? "" : `${pod}: `;
  const since = sinceMs === undefined ? "" : ` (${formatAge(nowMs - sinceMs)} ago)`;
  const next = nextTryMs === undefined ? [] : [`Next try: ${nextTry(nextTryMs - nowMs)}.`];
  const details = [message, ...lines.map((line) => `  | ${line}`), ...(hint === "" ? [] : [hint]), ...next];
  return [`${number}. ${whose}${reason}${since}`, ...details.map((line) => `   ${printable(line)}`)];
}

function nextTry(inMs: number): string {
  return inMs <= 0 ? "now" : `in ${formatAge(inMs)}`;
}
