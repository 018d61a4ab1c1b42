// GET /healthz, /livez, /readyz: `ok`, or what fails, why and for how long.

import { Hono } from "hono";
import type { Clock } from "../host/clock.ts";
import { formatAge } from "../pod/age.ts";
import type { ServerEnv } from "./connection.ts";
import { textResponse } from "./response.ts";

export interface HealthChecks {
  /** What counts for this endpoint: `livez` only what a restart of the agent would mend. */
  checks(endpoint: HealthEndpoint): readonly HealthCheck[];
}

export type HealthEndpoint = "healthz" | "livez" | "readyz";

export interface HealthCheck {
  readonly name: string;
  /** One line; undefined while it passes. */
  readonly error: string | undefined;
  /** When it began to fail, milliseconds since the epoch. */
  readonly sinceMs?: number | undefined;
  /** Its error is worth knowing, but makes nothing fail. */
  readonly isNote?: boolean;
}

const endpoints: readonly HealthEndpoint[] = ["healthz", "livez", "readyz"];

export function healthRoutes(options: {
  health: HealthChecks;
  clock: Pick<Clock, "wallMs">;
}): Hono<ServerEnv> {
  const routes = new Hono<ServerEnv>();
  for (const endpoint of endpoints) {
    routes.get(`/${endpoint}`, (c) => {
      const checks = options.health.checks(endpoint);
      const isVerbose = c.req.query("verbose") !== undefined;
      return healthResponse(endpoint, checks, isVerbose, options.clock.wallMs());
    });
  }
  return routes;
}

function healthResponse(
  endpoint: HealthEndpoint,
  checks: readonly HealthCheck[],
  isVerbose: boolean,
  nowMs: number,
): Response {
  const failing = checks.filter(({ error, isNote }) => error !== undefined && !isNote);
  const isHealthy = failing.length === 0;
  const lines = isVerbose
    ? [
        ...checks.map((check) => `[${markOf(check)}] ${checkLine(check, nowMs)}`),
        `${endpoint} ${isHealthy ? "passed" : "failed"}`,
      ]
    : failing.map((check) => checkLine(check, nowMs));
  // As text also when it fails: it is the answer that was asked for, not an error of asking.
  return textResponse(`${lines.length === 0 ? "ok" : lines.join("\n")}\n`, isHealthy ? 200 : 503);
}

function markOf({ error, isNote }: HealthCheck): string {
  return error === undefined ? "+" : isNote ? "!" : "-";
}

function checkLine({ name, error, sinceMs }: HealthCheck, nowMs: number): string {
  if (error === undefined) return `${name}: ok`;
  return `${name}: ${error}${sinceMs === undefined ? "" : ` (for ${formatAge(nowMs - sinceMs)})`}`;
}
