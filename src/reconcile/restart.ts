// Whether and when a Pod that ended is started again. Pure.
// Invariant: all that the next delay depends on is kept by the revision itself, so that an agent restart forgets nothing.

import type { ObservedApp, Revision, RevisionState } from "../pod/observed-pod.ts";
import type { BackOff, RestartPolicy } from "../pod/pod.ts";

const second = 1000;
const minute = 60 * second;

/** Between restarts after a crash, and between tries at what failed. */
export const restartBackOff: BackOff = { firstMs: 10 * second, maxMs: 5 * minute };
/** A revision that ran this long was no crash loop. */
const goodRunMs = 10 * minute;

/** The delay after `failures` (at least 1) in a row: doubled each time, up to the greatest. */
export function backOffMs(failures: number, { firstMs, maxMs }: BackOff): number {
  return Math.min(maxMs, firstMs * 2 ** (failures - 1));
}

/** How a revision ended. */
export interface Ending {
  readonly apps: readonly ObservedApp[];
  readonly state: Pick<Extract<RevisionState, { kind: "exited" }>, "failure">;
}

/**
 * The kubelet's ShouldContainerBeRestarted for containers that share fate: one that failed restarts all. A code that nobody
 * knows is a failure, as a second run is the lesser harm.
 */
export function isRestarted(policy: RestartPolicy, ending: Ending): boolean {
  switch (policy) {
    case "Always":
      return true;
    case "OnFailure":
      return !isSuccess(ending);
    case "Never":
      return false;
    default:
      return policy satisfies never;
  }
}

function isSuccess({ apps, state }: Ending): boolean {
  return (
    state.failure === undefined &&
    apps.length > 0 &&
    apps.every((app) => app.state.kind === "exited" && app.state.exitCode === 0)
  );
}

/**
 * How long after its end the next one is started: at once after the first start and after a good run, else twice what this
 * one waited for. An exit with 0 counts too, as with the kubelet: Always is for what does not end.
 */
export function nextBackOffMs(last: Pick<Revision, "restartCount" | "backOffMs">, ranForMs: number): number {
  if (last.restartCount === 0 || ranForMs >= goodRunMs) return 0;
  if (last.backOffMs === 0) return restartBackOff.firstMs;
  return Math.min(restartBackOff.maxMs, last.backOffMs * 2);
}
