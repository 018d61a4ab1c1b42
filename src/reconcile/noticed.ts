// What a pass sees that nobody did: what a Pod has begun to wait for, and what could not even start. Pure.
// Invariant: once for each thing, when it begins, and not in each pass; what was so when the agent began, the one before has told.

import type { PodEvent } from "../pod/event.ts";
import { lineageOf } from "../pod/lineage.ts";
import { type PodKey, podKeyOf, type RktUuid } from "../pod/names.ts";
import type { Observation, Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { containersOf, type Stage, serializeStage } from "../pod/stage.ts";
import type { Waiting } from "../pod/waiting.ts";
import { podEvent } from "./events.ts";
import type { Plan } from "./plan.ts";

/** What is kept of a pass for the next one to compare with. */
export interface Noticed {
  readonly waiting: ReadonlyMap<PodKey, ReadonlySet<string>>;
  /** What could not start. */
  readonly failed: ReadonlySet<RktUuid>;
}

export function noticedOf({ waiting }: Pick<Plan, "waiting">, { revisions }: Observation): Noticed {
  return {
    waiting: new Map([...waiting].map(([key, list]) => [key, new Set(list.map(identityOf))])),
    failed: new Set(revisions.filter(failureOf).map(({ uuid }) => uuid)),
  };
}

/** Of the wanted Pods. */
export function noticedEvents(
  before: Noticed,
  { waiting, pods }: Pick<Plan, "waiting" | "pods">,
  { revisions }: Observation,
): readonly PodEvent[] {
  const byKey = Map.groupBy(revisions, ({ key }) => key);
  return pods.flatMap((pod) => {
    const key = podKeyOf(pod);
    const ofKey = byKey.get(key) ?? [];
    const known = before.waiting.get(key);
    return [
      ...ofKey.filter(({ uuid }) => !before.failed.has(uuid)).flatMap((one) => startFailure(pod, one)),
      ...(waiting.get(key) ?? [])
        .filter((one) => !known?.has(identityOf(one)))
        .flatMap((one) => waitingEvents(one, pod, ofKey)),
    ];
  });
}

/** Equal for one waiting, however long it takes. */
function identityOf(waiting: Waiting): string {
  if (waiting.kind !== "restart") return waiting.kind;
  return `${waiting.kind} ${serializeStage(waiting.stage)} ${waiting.untilMs}`;
}

function failureOf({ state }: Revision): string | undefined {
  return state.kind === "exited" ? state.failure?.message : undefined;
}

function startFailure(pod: Pod, revision: Revision): readonly PodEvent[] {
  const message = failureOf(revision);
  if (message === undefined) return [];
  return [podEvent(pod, { type: "Warning", reason: "Failed", message: `Error: ${message}` })];
}

function waitingEvents(waiting: Waiting, pod: Pod, revisions: readonly Revision[]): readonly PodEvent[] {
  switch (waiting.kind) {
    case "restart": {
      const podName = `${pod.name}_${pod.namespace}(${pod.uid})`;
      return failedContainers(waiting.stage, pod, revisions).map((name) => {
        const message = `Back-off restarting failed container ${name} in pod ${podName}`;
        return podEvent(pod, { type: "Warning", reason: "BackOff", message }, name);
      });
    }
    case "failed": {
      const { message } = waiting.failure;
      return [podEvent(pod, { type: "Normal", reason: "DeadlineExceeded", message })];
    }
    case "evicted":
      return [podEvent(pod, { type: "Warning", reason: "Evicted", message: waiting.failure.message })];
    case "rolledBack":
      return [podEvent(pod, { type: "Warning", reason: "RolledBack", message: waiting.failure.message })];
    case "starting":
    case "retry":
    case "initializing":
    case "after":
    case "refresh":
    case "ending":
      return [];
    default:
      return waiting satisfies never;
  }
}

/** Those that failed, of containers that share fate; all where that is not known. */
function failedContainers(stage: Stage, pod: Pod, revisions: readonly Revision[]): readonly string[] {
  const ofStage = revisions.filter((one) => serializeStage(one.stage) === serializeStage(stage));
  const apps = lineageOf(ofStage).exited[0]?.apps ?? [];
  const failed = apps.filter(({ state }) => state.kind === "exited" && (state.exitCode ?? 0) !== 0);
  return (failed.length > 0 ? failed : containersOf(pod.spec, stage)).map(({ name }) => name);
}
