// GET /pods and /pods/{namespace}/{name}: v1.PodList and v1.Pod, as the kubelet answers them, and what changes in them.

import { Hono } from "hono";
import type { Pod, PodList } from "kubernetes-types/core/v1";
import type { Timers } from "../host/clock.ts";
import type { ServerEnv } from "./connection.ts";
import { RequestError } from "./request-error.ts";
import { jsonResponse, wholeResponse } from "./response.ts";
import { selection } from "./selection.ts";
import { isWatch, Watch, type Watched } from "./watch.ts";

export interface PodsView extends Watched<Pod> {
  /** By namespace and name. */
  list(): readonly Pod[];
  /** The same as the text of a v1.PodList. */
  listJson(): Uint8Array;
  get(namespace: string, name: string): Pod | undefined;
}

export interface PodRoutesOptions {
  readonly status: PodsView;
  readonly timers: Timers;
}

export function podRoutes({ status, timers }: PodRoutesOptions): Hono<ServerEnv> {
  const watch = new Watch<Pod>({ source: status, kind: "Pod", timers });
  const routes = new Hono<ServerEnv>();
  routes.get("/pods", (c) => {
    const isSelected = selection(c);
    if (isWatch(c)) return watch.respond(c, isSelected ?? (() => true));
    return isSelected ? jsonResponse(selectedList(status, isSelected)) : wholeList(status);
  });
  routes.get("/pods/:namespace/:name", (c) => {
    const { namespace, name } = c.req.param();
    const pod = status.get(namespace, name);
    if (pod === undefined) throw podNotFound(status, namespace, name);
    if (!isWatch(c)) return jsonResponse(pod);
    return watch.respond(c, ({ metadata }) => metadata?.namespace === namespace && metadata.name === name);
  });
  return routes;
}

/** Asked for often, by whoever still polls. */
function wholeList(status: PodsView): Response {
  return wholeResponse(status.listJson(), "application/json");
}

function selectedList(status: PodsView, isSelected: (pod: Pod) => boolean): PodList {
  return {
    kind: "PodList",
    apiVersion: "v1",
    metadata: { resourceVersion: status.resourceVersion },
    items: status.list().filter((pod) => isSelected(pod)),
  };
}

/** Names the pods that may be meant: a static pod's name ends in the node's, which is easily forgotten. */
export function podNotFound(status: PodsView, namespace: string, name: string): RequestError {
  const similar = status
    .list()
    .map(({ metadata }) => metadata ?? {})
    .filter((other) => other.namespace === namespace && other.name?.startsWith(`${name}-`))
    .map((other) => JSON.stringify(other.name));
  const hint =
    similar.length === 0 ? "" : `, but ${similar.join(", ")} ${similar.length === 1 ? "is" : "are"} there`;
  return new RequestError(
    404,
    `Pod ${JSON.stringify(name)} not found in namespace ${JSON.stringify(namespace)}${hint}`,
  );
}
