// The endpoint as an app: which paths there are, and what every answer has in common.
// Invariant: no request changes anything; what cannot be answered is answered by a problem with its request id.

import { Hono, type MiddlewareHandler } from "hono";
import type { Clock, Timers } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import { attachRoutes } from "./attach.ts";
import { guardDoor, type ServerContext, type ServerEnv } from "./connection.ts";
import { type EventsView, eventRoutes } from "./events.ts";
import { type CommandSource, execRoutes } from "./exec.ts";
import { type ExplainView, explainRoutes } from "./explain.ts";
import { type HealthChecks, healthRoutes } from "./health.ts";
import { type ImagesView, imageRoutes } from "./images.ts";
import { defaultLimits } from "./limits.ts";
import { type LogSource, logRoutes } from "./logs.ts";
import { type ManifestsView, manifestRoutes } from "./manifests.ts";
import { type MetricsView, metricsRoutes } from "./metrics.ts";
import { openapiRoutes } from "./openapi.ts";
import { overviewRoutes } from "./overview.ts";
import { pageRoutes } from "./page.ts";
import { type PlanView, planRoutes } from "./plan.ts";
import { podRoutes } from "./pods.ts";
import { type PortSource, portForwardRoutes } from "./port-forward.ts";
import { RefusalLog } from "./refusal-log.ts";
import { problemResponse, RequestError } from "./request-error.ts";
import { type StatsView, statsRoutes } from "./stats.ts";

export interface AppOptions {
  readonly status: ExplainView;
  readonly events: EventsView;
  readonly logs: LogSource;
  readonly commands: CommandSource;
  readonly ports: PortSource;
  readonly manifests: ManifestsView;
  readonly plans: PlanView;
  readonly stats: StatsView;
  readonly metrics: MetricsView;
  readonly images: ImagesView;
  readonly health: HealthChecks;
  readonly clock: Pick<Clock, "wallMs">;
  readonly timers: Timers;
  readonly log: Log;
  readonly version: string;
}

export type App = Hono<ServerEnv>;

/** Of what a client has made up. */
const loggedMax = 300;

export function createApp(options: AppOptions): App {
  const app: App = new Hono({ strict: false }); // as the kubelet, which answers `/pods/` too
  app.use(async (c, next) => {
    c.set("requestId", crypto.randomUUID());
    await next();
    // Not by c.header(), which makes a new response of it, and a stream of what is in one piece.
    const { headers } = c.res;
    headers.set("X-Request-Id", c.var.requestId);
    headers.set("Cache-Control", "no-store");
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Cross-Origin-Resource-Policy", "same-origin"); // no page of another site may show it as its own
  });
  app.use(guardDoor);
  app.route("/", execRoutes(options)); // before the limit: a body is a command's input
  app.route("/", planRoutes(options)); // has a limit of its own
  app.use(limitBody);
  app.route("/", attachRoutes(options));
  app.route("/", portForwardRoutes(options));
  app.route("/", pageRoutes());
  app.route("/", overviewRoutes(options));
  app.route("/", healthRoutes(options));
  app.route("/", podRoutes(options));
  app.route("/", eventRoutes(options));
  app.route("/", explainRoutes(options));
  app.route("/", logRoutes(options));
  app.route("/", manifestRoutes(options));
  app.route("/", statsRoutes(options));
  app.route("/", metricsRoutes(options));
  app.route("/", imageRoutes(options));
  app.route(
    "/",
    openapiRoutes(() => app.routes, options.version),
  );
  const refusals = new RefusalLog(options.log, options.clock);
  const refuse = (c: ServerContext, error: RequestError) => {
    const { requestId } = c.var;
    const { method } = c.req;
    const [path, detail] = [c.req.path.slice(0, loggedMax), error.message.slice(0, loggedMax)];
    refusals.note({ method, path, status: error.status, detail, requestId });
    return problemResponse(error, requestId);
  };
  app.notFound((c) => refuse(c, new RequestError(404, `There is no ${c.req.path}`)));
  app.onError((error, c) => {
    if (error instanceof RequestError) return refuse(c, error);
    const { requestId } = c.var;
    options.log.error(`Cannot answer ${c.req.method} ${c.req.path}`, { error: errorChain(error), requestId });
    return problemResponse(new RequestError(500, "This is a fault of gantry; its log says more"), requestId);
  });
  return app;
}

/** What says beforehand that it is too long; the rest is counted as it comes. */
const limitBody: MiddlewareHandler<ServerEnv> = async (c, next) => {
  const { bodyBytes } = defaultLimits;
  if (Number(c.req.header("content-length") ?? 0) > bodyBytes) {
    throw new RequestError(413, `The body is longer than ${bodyBytes} bytes`);
  }
  await next();
};
