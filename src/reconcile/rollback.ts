// `gantry.io/rollback-after`: a new version that is not Ready in time makes room for the last that was. Pure.
// Invariant: the revisions tell what was tried, so that it is not tried again after a restart or a reboot, until its manifest changes.

import type { Failure, Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { isPodReady } from "../pod/readiness.ts";
import { adoptUid } from "./adopt-uid.ts";
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
  const readyByMs = Math.max(...tries.map(({ activeSinceMs }) => activeSinceMs)) + rollbackAfterMs;
  if (!tries.some(wasRolledBack)) {
    if (nowMs < readyByMs) return { pod, rolledBack: undefined, readyByMs, proof: tries };
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

function wasRolledBack({ state }: Revision): boolean {
  return state.kind === "exited" && state.killed?.reason === "RolledBack";
}
