// Why a Pod is not Ready: the chain of causes, from the root to what is seen of it. Pure.

import type { Event as V1Event, Pod as V1Pod } from "kubernetes-types/core/v1";
import { type PodKey, podKey, podKeyOf } from "../pod/names.ts";
import { formatProblem } from "../pod/problem.ts";
import { failureHint } from "./explain-hints.ts";
import { stageSteps } from "./explain-stage.ts";
import type { ExplainedStep, Step } from "./explain-step.ts";
import type { PodView } from "./shown-pod.ts";
import { shownStages } from "./shown-stage.ts";

export interface Explanation {
  readonly namespace: string;
  readonly name: string;
  readonly isReady: boolean;
  /** One sentence. */
  readonly summary: string;
  /** The first is the cause of the second, and so on. Of a Pod that is Ready: what is wrong all the same. */
  readonly steps: readonly ExplainedStep[];
}

/** What is known beside the Pod itself. */
export interface ExplainedWorld {
  viewOf(key: PodKey): PodView | undefined;
  podOf(key: PodKey): V1Pod | undefined;
  readonly events: readonly V1Event[];
}

/** Undefined: there is no such Pod. */
export function explainPod(key: PodKey, world: ExplainedWorld): Explanation | undefined {
  const view = world.viewOf(key);
  const pod = world.podOf(key);
  if (view === undefined || pod === undefined) return undefined;
  const { namespace, name } = view.pod;
  const isReady = conditionOf(pod, "Ready")?.status === "True";
  const steps = chain(key, { ...world, path: [], told: new Set() });
  return { namespace, name, isReady, summary: summaryOf(key, pod, steps), steps };
}

function summaryOf(key: PodKey, pod: V1Pod, steps: readonly ExplainedStep[]): string {
  if (pod.metadata?.deletionTimestamp !== undefined) return `${key} is being removed.`;
  if (conditionOf(pod, "Ready")?.status === "True")
    return steps.length === 0 ? `${key} is Ready, and nothing is wrong with it.` : `${key} is Ready, but:`;
  if (pod.status?.phase === "Succeeded") return `${key} has done its work and ended.`;
  return `${key} is not Ready: ${steps[0]?.reason ?? "Unknown"}`;
}

interface Chain extends ExplainedWorld {
  /** The Pods that wait for this one. */
  readonly path: readonly PodKey[];
  /** Several may wait for one. */
  readonly told: Set<PodKey>;
}

function chain(key: PodKey, world: Chain): readonly ExplainedStep[] {
  const view = world.viewOf(key);
  const pod = world.podOf(key);
  if (view === undefined || pod === undefined || world.told.has(key)) return [];
  world.told.add(key);
  const path = [...world.path, key];
  const probeFailure = (container: string) => lastProbeFailure(world.events, view, container);
  const isOver = pod.status?.phase === "Succeeded";
  const of = (steps: readonly Step[]) => steps.map((step) => ({ pod: key, ...step }));
  const awaited = view.waiting.flatMap((one) => (one.kind === "after" ? one.pods : []));
  const stages = isOver ? [] : shownStages(view);
  const isOlder = stages.some(({ isLive, isAsWritten }) => isLive && !isAsWritten);
  const steps = [
    ...of(manifestSteps(view)),
    ...awaited.flatMap((other) => chain(other, { ...world, path })),
    ...of(afterSteps(view, path)),
    ...of(waitingSteps(view)),
    ...of(isOlder ? replacementSteps(view) : []),
    ...of(stages.flatMap((stage) => stageSteps(stage, view, probeFailure))),
    ...of(symptom(pod, isOver)),
  ];
  // That it is over, and what ended its revision, may be the same: the second is told, which has a time.
  return steps.filter((step, index) => !steps.slice(index + 1).some((later) => isSameCause(step, later)));
}

function isSameCause(a: ExplainedStep, b: ExplainedStep): boolean {
  return a.pod === b.pod && a.reason === b.reason && a.message === b.message;
}

function manifestSteps({ manifest, isDeleted, pod }: PodView): readonly Step[] {
  if (isDeleted)
    return [{ reason: "Deleted", message: "its manifest is gone, so it is stopped and removed", hint: "" }];
  switch (manifest.state) {
    case "accepted":
      return [];
    case "unreadable":
      return [{ reason: "ManifestsNotReady", message: manifest.error, hint: "" }];
    case "rejected":
      return manifest.problems.map((problem) => ({
        reason: "ManifestRejected",
        message: formatProblem({ ...problem, hint: "" }),
        hint: problem.hint || `Until it is mended, ${pod.name} is what was last accepted.`,
      }));
    default:
      return manifest satisfies never;
  }
}

function afterSteps({ waiting }: PodView, path: readonly PodKey[]): readonly Step[] {
  const after = waiting.find(({ kind }) => kind === "after");
  if (after?.kind !== "after") return [];
  return [
    ...after.pods.map((other) =>
      path.includes(other)
        ? waitsFor(
            `each waits for the next: ${[...path, other].join(" → ")}`,
            "One of them must not wait (gantry.io/after).",
          )
        : waitsFor(`waits for ${other} to be Ready`, ""),
    ),
    ...after.unknown.map((other) =>
      waitsFor(`waits for ${other}, of which there is no manifest`, "Look at the name in gantry.io/after."),
    ),
  ];
}

function waitsFor(message: string, hint: string): Step {
  return { reason: "WaitingForPods", message, hint };
}

/** What the whole Pod waits for. */
function waitingSteps({ waiting, bootMs }: PodView): readonly Step[] {
  return waiting.flatMap((one): readonly Step[] => {
    switch (one.kind) {
      case "failed":
      case "evicted":
      case "rolledBack":
        return [{ ...one.failure, hint: failureHint(one.failure) }];
      case "refresh":
        return one.failure ? [{ ...one.failure, hint: failureHint(one.failure) }] : [];
      case "ending":
        return [{ ...one.failure, hint: failureHint(one.failure), nextTryMs: bootMs + one.untilMs }];
      case "after":
      case "starting":
      case "retry":
      case "restart":
      case "initializing":
        return [];
      default:
        return one satisfies never;
    }
  });
}

/** An older version runs, as the one that is written now cannot be started. */
function replacementSteps({ waiting, bootMs }: PodView): readonly Step[] {
  return waiting.flatMap((one): readonly Step[] => {
    if ((one.kind !== "starting" && one.kind !== "retry") || one.failure === undefined) return [];
    const message = `what is written now cannot be started: ${one.failure.message}`;
    const next = one.kind === "retry" ? { nextTryMs: bootMs + one.untilMs } : {};
    return [{ ...one.failure, message, hint: failureHint(one.failure), ...next }];
  });
}

function symptom(pod: V1Pod, isOver: boolean): readonly Step[] {
  const ready = conditionOf(pod, "Ready");
  if (ready === undefined || ready.status === "True" || isOver) return [];
  const sinceMs = Date.parse(ready.lastTransitionTime ?? "");
  const { reason = "NotReady", message = "the pod has failed" } = ready;
  return [{ reason, message, hint: "", ...(!Number.isNaN(sinceMs) && { sinceMs }) }];
}

function conditionOf({ status }: V1Pod, type: string) {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** Of the revision that runs: what its probe said last, and since when it has said so. */
function lastProbeFailure(events: readonly V1Event[], { pod, revisions }: PodView, container: string) {
  const startedMs = Math.max(0, ...revisions.map(({ startedAtMs }) => startedAtMs ?? 0));
  const failure = events.findLast(
    ({ reason, involvedObject, lastTimestamp }) =>
      reason === "Unhealthy" &&
      podKey(involvedObject.namespace ?? "", involvedObject.name ?? "") === podKeyOf(pod) &&
      involvedObject.fieldPath?.endsWith(`{${container}}`) &&
      Date.parse(lastTimestamp ?? "") >= startedMs - 1000, // events have whole seconds
  );
  return failure && { message: failure.message ?? "", lastMs: Date.parse(failure.lastTimestamp ?? "") };
}
