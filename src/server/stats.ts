// GET /stats/summary, /spec/, /node, /runningpods/: what the machine is, uses and really runs, as the kubelet tells it.

import { Hono } from "hono";
import type { Node, NodeCondition, PodList } from "kubernetes-types/core/v1";
import type { Stuck } from "../pod/stuck.ts";
import type { ServerEnv } from "./connection.ts";
import { jsonResponse } from "./response.ts";

export interface StatsView {
  /** The kubelet's Summary (stats/v1alpha1). */
  summary(): Promise<object>;
  /** cadvisor's MachineInfo. */
  machine(): Promise<object>;
  node(): Promise<Node>;
  /** Of the same, and at once. */
  nodeConditions(): readonly NodeCondition[];
  /** What should be gone and could not be removed yet. */
  stuck(): readonly Stuck[];
  /** What runs, whatever the manifests say. */
  runningPods(): PodList;
}

export function statsRoutes({ stats }: { stats: StatsView }): Hono<ServerEnv> {
  const routes = new Hono<ServerEnv>();
  routes.get("/stats/summary", async () => jsonResponse(await stats.summary()));
  routes.get("/node", async () => jsonResponse(await stats.node()));
  routes.get("/spec", async () => jsonResponse(await stats.machine()));
  routes.get("/runningpods", () => jsonResponse(stats.runningPods()));
  return routes;
}
