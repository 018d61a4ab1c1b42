// `gantry.io/rollback-after`: a new version that is not Ready in time makes room for the last that was. Pure.
// Invariants: the revisions tell what was tried, so that it is not tried again after a restart or a reboot, until its manifest changes; a
// trial is the version's own time: neither the end of what it replaced nor the time that the machine was off counts.

import type { Failure, Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { isPodReady } from "../pod/readiness.ts";
import { adoptUid } from "./adopt-uid.ts";
import { isOneLife } from "./life.ts";
import type { World } from "./world.ts";

/** Which version of a Pod is to run. */
export interface Version {
  readonly pod: Pod;
  /** Why it is not the one that is wanted; undefined: it is. */
  readonly rolledBack: Failure | undefined;
  /** When the wanted one has to be Ready; undefined: there is no such time. */
  readonly readyByMs: number | undefined;
  /** They tell that the wanted one was tried, and are not garbage. */
  readonly proof: readonly Revision[];
}

/** `revisions` are those of the Pod's key, `good` is the last version that was Ready. */
export function versionOf(
  pod: Pod,
  { revisions, good }: { readonly revisions: readonly Revision[]; readonly good: Pod | undefined },
  { health, nowMs }: Pick<World, "health" | "nowMs">,
): Version {
  const { rollbackAfterMs } = pod.life;
  const tries = revisions.filter((one) => isTryOf(pod, one));
  const wasGood = good?.specHash === pod.specHash || tries.some(({ wasReady }) => wasReady);
  if (rollbackAfterMs === undefined || good === undefined || wasGood || tries.length === 0)
    return { pod, rolledBack: undefined, readyByMs: undefined, proof: [] };
  const { startedMs, isOver } = trialOf(tries, good, revisions);
  const readyByMs = startedMs && startedMs + rollbackAfterMs;
  if (!isOver) {
    if (readyByMs === undefined || nowMs < readyByMs)
      return { pod, rolledBack: undefined, readyByMs, proof: tries };
    if (isPodReady(pod, revisions, health))
      return { pod, rolledBack: undefined, readyByMs: undefined, proof: tries };
  }
  const message = `not Ready within ${rollbackAfterMs / 1000} s: the last version that was is back`;
  return {
    pod: adoptUid(good, revisions),
    rolledBack: { reason: "RolledBack", message },
    readyByMs: undefined,
    proof: tries,
  };
}

/** Of the very manifest; what was stopped on request was not tried to its end. */
function isTryOf({ specHash, uid }: Pod, { specHash: hash, podUid, state }: Revision): boolean {
  if (hash !== specHash || podUid !== uid || state.kind === "prepared") return false;
  return state.kind !== "exited" || !state.isStopped;
}

/** `startedMs`: its first start in this boot. `isOver`: it was rolled back, which may have found nothing to stop. */
function trialOf(tries: readonly Revision[], good: Pod, revisions: readonly Revision[]) {
  const activeSinceMs = Math.max(...tries.map((one) => one.activeSinceMs));
  const ofLife = tries.filter((one) => isOneLife(one, { activeSinceMs }));
  const startsMs = ofLife.flatMap(({ startedMs }) => startedMs ?? []);
  const startedMs = startsMs.length > 0 ? Math.min(...startsMs) : undefined;
  const createdAtMs = Math.min(...ofLife.map((one) => one.createdAtMs));
  const isBack = revisions.some((one) => one.specHash === good.specHash && one.createdAtMs > createdAtMs);
  return { startedMs, isOver: tries.some(wasRolledBack) || (startedMs === undefined && isBack) };
}

function wasRolledBack({ state }: Revision): boolean {
  return state.kind === "exited" && state.killed?.reason === "RolledBack";
}
