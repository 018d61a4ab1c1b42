// GET /pods and /pods/{namespace}/{name}: v1.PodList and v1.Pod, as the kubelet answers them.

import { Hono } from "hono";
import type { Pod, PodList } from "kubernetes-types/core/v1";
import type { ServerEnv } from "./connection.ts";
import { RequestError } from "./request-error.ts";
import { jsonResponse } from "./response.ts";

export interface PodsView {
  /** By namespace and name. */
  list(): readonly Pod[];
  get(namespace: string, name: string): Pod | undefined;
  /** Changes whenever a pod does. */
  readonly resourceVersion: string;
}

export function podRoutes({ status }: { status: PodsView }): Hono<ServerEnv> {
  const routes = new Hono<ServerEnv>();
  routes.get("/pods", () => {
    const list: PodList = {
      kind: "PodList",
      apiVersion: "v1",
      metadata: { resourceVersion: status.resourceVersion },
      items: [...status.list()],
    };
    return jsonResponse(list);
  });
  routes.get("/pods/:namespace/:name", (c) => {
    const { namespace, name } = c.req.param();
    const pod = status.get(namespace, name);
    if (pod === undefined) throw podNotFound(status, namespace, name);
    return jsonResponse(pod);
  });
  return routes;
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
