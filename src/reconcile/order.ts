// Which comes first: Pods that wait for others (`gantry.io/after`), units that systemd starts and stops in order, the revisions of one
// Pod when it is stopped. Pure.

import { isSuccess } from "../pod/ending.ts";
import { type PodKey, podKeyOf, type RktUuid } from "../pod/names.ts";
import { isLive, type Revision } from "../pod/observed-pod.ts";
import type { Pod, PodSpec } from "../pod/pod.ts";
import { isPodReady } from "../pod/readiness.ts";
import { containersStage, type Stage, stagesOf } from "../pod/stage.ts";
import type { Waiting } from "../pod/waiting.ts";
import { type Life, lifeOf } from "./life.ts";
import type { Attempt } from "./runtime.ts";
import type { World } from "./world.ts";

export interface Order {
  /** The others that the Pod has to wait for; undefined: none. */
  awaited(pod: Pod): Extract<Waiting, { kind: "after" }> | undefined;
  /** What the unit of one of the Pod's stages is ordered by. */
  ofUnit(pod: Pod, stage: Stage, life: Life): Pick<Attempt, "after" | "before">;
}

/** `pods` are the wanted ones, as they are to run. */
export function orderOf(
  pods: readonly Pod[],
  revisions: ReadonlyMap<PodKey, readonly Revision[]>,
  { health }: Pick<World, "health">,
): Order {
  const byKey = new Map(pods.map((pod) => [podKeyOf(pod), pod]));
  const dependents = new Map<PodKey, PodKey[]>();
  for (const [key, { life }] of byKey)
    for (const other of life.after) dependents.set(other, [...(dependents.get(other) ?? []), key]);
  const revisionsOf = (key: PodKey) => revisions.get(key) ?? [];
  const isDone = (key: PodKey, pod: Pod) =>
    isPodReady(pod, revisionsOf(key), health) || hasSucceeded(pod, revisionsOf(key));
  const liveOf = (keys: readonly PodKey[]) =>
    keys
      .flatMap(revisionsOf)
      .filter(isLive)
      .map(({ uuid }) => uuid);
  return {
    awaited({ life: { after } }) {
      const unready = after.filter((key) => {
        const other = byKey.get(key);
        return other && !isDone(key, other);
      });
      const unknown = after.filter((key) => !byKey.has(key));
      return unready.length + unknown.length === 0 ? undefined : { kind: "after", pods: unready, unknown };
    },
    ofUnit(pod, stage, life) {
      const own = neighbours(pod.spec, stage, life.running);
      const others = dependents.get(podKeyOf(pod)) ?? [];
      return {
        after: [...own.earlier, ...liveOf(pod.life.after)],
        before: [...own.later, ...liveOf(others)],
      };
    },
  };
}

/** A Pod that ran to its end will never be Ready again: whoever comes after it need not wait. */
function hasSucceeded(pod: Pod, revisions: readonly Revision[]): boolean {
  const { running, last } = lifeOf(pod, revisions).at(containersStage);
  return pod.spec.restartPolicy !== "Always" && !running && last !== undefined && isSuccess(last);
}

function neighbours(
  spec: PodSpec,
  stage: Stage,
  running: readonly Revision[],
): { readonly earlier: readonly RktUuid[]; readonly later: readonly RktUuid[] } {
  const uuids = (isWanted: (rank: number) => boolean) =>
    running.filter((revision) => isWanted(rankOf(revision.stage, spec))).map(({ uuid }) => uuid);
  const rank = rankOf(stage, spec);
  return { earlier: uuids((other) => other < rank), later: uuids((other) => other > rank) };
}

/** The last stage first. Of stages that `spec` does not know (undefined: it is not known at all) the youngest revision first. */
export function stopOrder(revisions: readonly Revision[], spec: PodSpec | undefined): readonly Revision[] {
  return [...revisions].sort(
    (a, b) =>
      rankOf(b.stage, spec) - rankOf(a.stage, spec) ||
      b.createdAtMs - a.createdAtMs ||
      Number(a.networkOf === undefined) - Number(b.networkOf === undefined),
  );
}

function rankOf(stage: Stage, spec: PodSpec | undefined): number {
  if (stage.kind === "containers") return Number.MAX_SAFE_INTEGER;
  return spec === undefined
    ? -1
    : stagesOf(spec).findIndex((other) => other.kind !== "containers" && other.container === stage.container);
}
