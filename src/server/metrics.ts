// GET /metrics, /metrics/resource: the agent's own numbers, and what its pods use, for Prometheus.

import { Hono } from "hono";
import type { ServerEnv } from "./connection.ts";

export interface MetricsView {
  /** Both in the text format, version 0.0.4. */
  agent(): Promise<string>;
  resources(): Promise<string>;
}

export function metricsRoutes({ metrics }: { metrics: MetricsView }): Hono<ServerEnv> {
  const routes = new Hono<ServerEnv>();
  routes.get("/metrics", async () => metricsResponse(await metrics.agent()));
  routes.get("/metrics/resource", async () => metricsResponse(await metrics.resources()));
  return routes;
}

function metricsResponse(text: string): Response {
  return new Response(text, {
    headers: {
      "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
      "Content-Length": String(Buffer.byteLength(text)),
    },
  });
}
