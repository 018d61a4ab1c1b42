// A Pod's status as v1.Pod: a function of what is known of it, and of what was told before for the times. Pure.

import type { ContainerStatus, PodStatus, Pod as V1Pod } from "kubernetes-types/core/v1";
import { podConditions } from "./conditions.ts";
import { containerStatuses } from "./container-status.ts";
import { podPhase } from "./phase.ts";
import { type PodView, shownRevisions } from "./shown-pod.ts";
import { rfc3339 } from "./time.ts";

/** `previous` is what was derived of the same Pod last. */
export function derivePod(view: PodView, previous: V1Pod | undefined): V1Pod {
  const { pod } = view;
  const wire = pod.wire as V1Pod; // decoded from one, and only shown
  const deletedAt = previous?.metadata?.deletionTimestamp ?? rfc3339(view.wallMs);
  return {
    ...wire,
    kind: "Pod",
    apiVersion: "v1",
    metadata: {
      ...wire.metadata,
      name: pod.name,
      namespace: pod.namespace,
      uid: pod.uid,
      ...(view.isDeleted && { deletionTimestamp: deletedAt }),
    },
    status: deriveStatus(view, previous?.metadata?.uid === pod.uid ? previous.status : undefined),
  };
}

function deriveStatus(view: PodView, previous: PodStatus | undefined): PodStatus {
  const { pod, hostIP } = view;
  const containers = containerStatuses(view);
  const phase = podPhase(
    pod.spec.restartPolicy,
    containers.map((status) => sinceEdit(status, view)),
  );
  const { current, isLive } = shownRevisions(view);
  const podIP = pod.spec.hostNetwork ? hostIP : (isLive && current?.podIP) || "";
  return {
    phase,
    conditions: podConditions(view, { phase, containers }, previous?.conditions),
    ...(hostIP !== "" && { hostIP, hostIPs: [{ ip: hostIP }] }),
    ...(podIP !== "" && { podIP, podIPs: [{ ip: podIP }] }),
    startTime: startTime(view, previous),
    containerStatuses: containers,
    qosClass: "BestEffort", // no manifest with resources is accepted yet
  };
}

/** How a revision of another spec ended, or one that was stopped on request, says nothing of the phase that the Pod is in. */
function sinceEdit(status: ContainerStatus, view: PodView): ContainerStatus {
  const { previous } = shownRevisions(view);
  const counts = previous?.specHash === view.pod.specHash && !previous.state.isStopped;
  return counts ? status : { ...status, lastState: {} };
}

/** The first revision's creation, so that the next agent tells the same; until there is one, when the Pod was first seen. */
function startTime({ pod, revisions, wallMs }: PodView, previous: PodStatus | undefined): string {
  if (previous?.startTime !== undefined && previous.phase !== "Pending") return previous.startTime;
  const created = revisions
    .filter(({ podUid, createdAtMs }) => podUid === pod.uid && createdAtMs > 0)
    .map(({ createdAtMs }) => createdAtMs);
  return created.length > 0 ? rfc3339(Math.min(...created)) : (previous?.startTime ?? rfc3339(wallMs));
}
