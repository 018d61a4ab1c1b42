// Whether and when what ended is started again. Pure.
// Invariant: all that the next delay depends on is kept by the revision itself, so that neither a restart of the agent nor a reboot
// forgets anything.

import { type Ending, isSuccess } from "../pod/ending.ts";
import type { ExitedRevision } from "../pod/lineage.ts";
import type { Reason, Revision } from "../pod/observed-pod.ts";
import type { BackOff, RestartPolicy } from "../pod/pod.ts";
import type { Stage } from "../pod/stage.ts";

const second = 1000;
const minute = 60 * second;

/** Between tries at what failed. */
export const retryBackOff: BackOff = { firstMs: 10 * second, maxMs: 5 * minute };
/** A revision that ran this long was no crash loop. */
const goodRunMs = 10 * minute;
/** What does not crash has no back-off, but is not started more often than this either. */
const leastRunMs = second;

/** The delay after `failures` (at least 1) in a row: doubled each time, up to the greatest. */
export function backOffMs(failures: number, { firstMs, maxMs }: BackOff): number {
  return Math.min(maxMs, firstMs * 2 ** (failures - 1));
}

/**
 * The kubelet's ShouldContainerBeRestarted for containers that share fate: one that failed restarts all. A code that nobody
 * knows is a failure, as a second run is the lesser harm.
 */
export function isRestarted(policy: RestartPolicy, ending: Ending): boolean {
  // In a cluster a controller would make another pod somewhere else; here nobody would, so that none is done by halves.
  if (ending.state.killed?.reason === "Evicted") return true;
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

/** By which policy a stage is started again: an init container that succeeded is done, a sidecar is to stay (KEP-753). */
export function policyOf(stage: Stage, policy: RestartPolicy): RestartPolicy {
  if (stage.kind === "sidecar") return "Always";
  return stage.kind === "init" && policy === "Always" ? "OnFailure" : policy;
}

/** These end what did nothing wrong. */
const blameless: readonly Reason[] = ["SandboxChanged", "Evicted"];

/** Whether it failed by a fault of its own. */
function isCrash(ending: Ending): boolean {
  const { killed, isInterrupted } = ending.state;
  return !isSuccess(ending) && !isInterrupted && !(killed && blameless.includes(killed.reason));
}

export interface NextStart {
  readonly restartCount: number;
  /** The crash back-off that the Pod has reached. */
  readonly backOffMs: number;
  readonly notBeforeMs: number;
  readonly isBackOff: boolean;
}

/**
 * After a crash at once for the first time and after a good run, else twice what was waited for last. Else at once too, and the
 * back-off that was reached is kept: an exit with 0 is no crash. After a reboot what is to be waited for begins with the boot.
 */
export function nextStart(last: ExitedRevision, backOff: BackOff): NextStart {
  const { finishedMs, ranForMs } = last.state;
  const restartCount = last.restartCount + 1;
  if (ranForMs >= goodRunMs) return { restartCount, backOffMs: 0, notBeforeMs: 0, isBackOff: false };
  if (!isCrash(last)) {
    const notBeforeMs = finishedMs - ranForMs + leastRunMs;
    return { restartCount, backOffMs: last.backOffMs, notBeforeMs, isBackOff: false };
  }
  const reachedMs = nextBackOffMs(last, backOff);
  const notBeforeMs = Math.max(0, finishedMs) + reachedMs;
  return { restartCount, backOffMs: reachedMs, notBeforeMs, isBackOff: reachedMs > 0 };
}

function nextBackOffMs(
  last: Pick<Revision, "restartCount" | "backOffMs">,
  { firstMs, maxMs }: BackOff,
): number {
  if (last.restartCount === 0) return 0;
  return last.backOffMs === 0 ? firstMs : Math.min(maxMs, last.backOffMs * 2);
}
