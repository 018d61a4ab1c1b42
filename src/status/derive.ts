// A Pod's status as v1.Pod: a function of what is known of it, and of what was told before for the times. Pure.

import type { ContainerStatus, PodStatus, Pod as V1Pod } from "kubernetes-types/core/v1";
import { isLive, type Revision } from "../pod/observed-pod.ts";
import type { Stage } from "../pod/stage.ts";
import { rfc3339 } from "../pod/time.ts";
import { podConditions } from "./conditions.ts";
import { containerStatus } from "./container-status.ts";
import { type Phase, podPhase, type StatusesByKind } from "./phase.ts";
import { qosClass } from "./qos.ts";
import type { PodView } from "./shown-pod.ts";
import { type ShownStage, shownStages } from "./shown-stage.ts";

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

interface StageStatuses {
  readonly stage: ShownStage;
  readonly statuses: readonly ContainerStatus[];
}

function deriveStatus(view: PodView, previous: PodStatus | undefined): PodStatus {
  const { pod, hostIP } = view;
  const stages = shownStages(view);
  const all: readonly StageStatuses[] = stages.map((stage) => ({
    stage,
    statuses: stage.containers.map((container) => containerStatus(container, stage, view)),
  }));
  const statuses = byKind(all);
  const end = podEnd(view);
  const phase: Phase = end
    ? "Failed"
    : podPhase(pod.spec.restartPolicy, byKind(all.map((one) => sinceEdit(one, pod.specHash))));
  const startTime = startTimeOf(view, previous);
  const podIP = pod.spec.hostNetwork ? hostIP : ownIP(view);
  const initStatuses = all.flatMap((one) => (one.stage.stage.kind === "containers" ? [] : one.statuses));
  return {
    phase,
    ...end,
    conditions: podConditions(view, { phase, stages, statuses, startTime }, previous?.conditions),
    ...(hostIP !== "" && { hostIP, hostIPs: [{ ip: hostIP }] }),
    ...(podIP !== "" && { podIP, podIPs: [{ ip: podIP }] }),
    startTime,
    ...(initStatuses.length > 0 && { initContainerStatuses: initStatuses }),
    containerStatuses: [...statuses.containers],
    qosClass: qosClass((pod.wire as V1Pod).spec ?? { containers: [] }),
  };
}

function byKind(all: readonly StageStatuses[]): StatusesByKind {
  const ofKind = (kind: Stage["kind"]) =>
    all.flatMap(({ stage, statuses }) => (stage.stage.kind === kind ? statuses : []));
  return { init: ofKind("init"), sidecar: ofKind("sidecar"), containers: ofKind("containers") };
}

/** Why it is over for good or for now, whatever its containers tell; with `restartPolicy: Never` also as it was found unhealthy. */
function podEnd({ pod, revisions, waiting }: PodView): Pick<PodStatus, "reason" | "message"> | undefined {
  const end = waiting.find(({ kind }) => kind === "failed" || kind === "evicted");
  if (end?.kind === "failed" || end?.kind === "evicted") return end.failure;
  const isKilled = ({ state, specHash }: Revision) =>
    specHash === pod.specHash && state.kind === "exited" && state.killed !== undefined;
  const isOver = waiting.length === 0 && !revisions.some(isLive);
  return isOver && pod.spec.restartPolicy === "Never" && revisions.some(isKilled) ? {} : undefined;
}

/** How a revision of another spec ended, or one that was stopped on request, says nothing of the phase that the Pod is in. */
function sinceEdit({ stage, statuses }: StageStatuses, specHash: Revision["specHash"]): StageStatuses {
  const { previous } = stage;
  const counts = previous?.specHash === specHash && !previous.state.isStopped;
  return { stage, statuses: counts ? statuses : statuses.map((status) => ({ ...status, lastState: {} })) };
}

function ownIP({ revisions }: PodView): string {
  return revisions.find((revision) => isLive(revision) && revision.podIP !== "")?.podIP ?? "";
}

/** When the Pod was first seen, as far as its manifest or the first revision that is left tells the next agent too. */
function startTimeOf({ pod, revisions, wallMs }: PodView, previous: PodStatus | undefined): string {
  if (previous?.startTime !== undefined) return previous.startTime;
  const { annotations = {} } = (pod.wire as V1Pod).metadata ?? {};
  const seenMs = Date.parse(annotations["kubernetes.io/config.seen"] ?? "");
  const createdMs = revisions
    .filter(({ podUid, createdAtMs }) => podUid === pod.uid && createdAtMs > 0)
    .map(({ createdAtMs }) => createdAtMs);
  return rfc3339(Math.min(Number.isNaN(seenMs) ? wallMs : seenMs, ...createdMs));
}
