// What runs, whatever the manifests say, as v1.PodList: the kubelet's GET /runningpods/. Pure.

import type { PodList } from "kubernetes-types/core/v1";
import { isLive, type Observation } from "../pod/observed-pod.ts";

export function runningPodList({ revisions }: Pick<Observation, "revisions">): PodList {
  const live = revisions.filter(isLive);
  return {
    kind: "PodList",
    apiVersion: "v1",
    metadata: {},
    items: [...Map.groupBy(live, ({ podUid }) => podUid)].map(([uid, ofPod]) => {
      const [namespace = "", name = ""] = (ofPod[0]?.key ?? "").split("/");
      const running = ofPod.flatMap(({ apps }) => apps.filter(({ state }) => state.kind === "running"));
      return {
        metadata: { name, namespace, uid },
        spec: { containers: running.map((app) => ({ name: app.name, image: app.imageId, resources: {} })) },
        status: {},
      };
    }),
  };
}
