// What the machine is short of, and what follows for its Pods: found by node/, acted on by reconcile/.

import type { PodKey } from "./names.ts";
import type { Failure } from "./observed-pod.ts";

export interface Shortage {
  /** Pods that must not run until it is over, each with why (reason `Evicted`): what runs of them is stopped with that as its cause. */
  readonly evicted: ReadonlyMap<PodKey, Failure>;
  /** The disk is full: what is dead is removed whatever its age and number, for its writable layers and its images. */
  readonly isDiskShort: boolean;
}

/** The kubelet's grace period for the pods that it evicts at once (immediateEvictionGracePeriodSeconds). */
export const evictionGraceSeconds = 1;
