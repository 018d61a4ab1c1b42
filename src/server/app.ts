// The endpoint as an app: which paths there are, and what every answer has in common.
// Invariant: no request changes anything; what cannot be answered is answered by a problem with its request id.

import { Hono } from "hono";
import type { Clock } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import { guardLoopback, type ServerEnv } from "./connection.ts";
import { type HealthChecks, healthRoutes } from "./health.ts";
import { type ImagesView, imageRoutes } from "./images.ts";
import { type LogSource, logRoutes } from "./logs.ts";
import { type ManifestsView, manifestRoutes } from "./manifests.ts";
import { type MetricsView, metricsRoutes } from "./metrics.ts";
import { overviewRoutes } from "./overview.ts";
import { type PodsView, podRoutes } from "./pods.ts";
import { problemResponse, RequestError } from "./request-error.ts";
import { type StatsView, statsRoutes } from "./stats.ts";

export interface AppOptions {
  readonly status: PodsView;
  readonly logs: LogSource;
  readonly manifests: ManifestsView;
  readonly stats: StatsView;
  readonly metrics: MetricsView;
  readonly images: ImagesView;
  readonly health: HealthChecks;
  readonly clock: Pick<Clock, "wallMs">;
  readonly log: Log;
  readonly version: string;
}

export type App = Hono<ServerEnv>;

export function createApp(options: AppOptions): App {
  const app: App = new Hono();
  app.use(async (c, next) => {
    c.set("requestId", crypto.randomUUID());
    await next();
    c.header("X-Request-Id", c.var.requestId);
    c.header("Server", `gantry/${options.version}`);
    c.header("Cache-Control", "no-store");
    c.header("X-Content-Type-Options", "nosniff");
  });
  app.use(guardLoopback);
  app.route("/", overviewRoutes(options));
  app.route("/", healthRoutes(options));
  app.route("/", podRoutes(options));
  app.route("/", logRoutes(options));
  app.route("/", manifestRoutes(options));
  app.route("/", statsRoutes(options));
  app.route("/", metricsRoutes(options));
  app.route("/", imageRoutes(options));
  app.notFound((c) => problemResponse(new RequestError(404, `There is no ${c.req.path}`), c.var.requestId));
  app.onError((error, c) => {
    const { requestId } = c.var;
    if (error instanceof RequestError) return problemResponse(error, requestId);
    options.log.error(`Cannot answer ${c.req.method} ${c.req.path}`, { error: errorChain(error), requestId });
    return problemResponse(new RequestError(500, "This is a fault of gantry; its log says more"), requestId);
  });
  return app;
}
