// All that a plan is made of.

import type { Desired } from "../pod/desired.ts";
import type { HealthByRevision } from "../pod/health.ts";
import type { PodKey, PodUid } from "../pod/names.ts";
import type { Failure, Observation } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import type { Action, ActionId } from "./action.ts";

export interface World {
  /** With the uids of what runs (adopt-uid.ts). */
  readonly desired: Desired;
  readonly observation: Observation;
  /** By pod directory, the last version of its Pod that was Ready (PodDirectory.good). */
  readonly good: ReadonlyMap<PodUid, Pod>;
  /** By what was tried; forgotten once it succeeds. */
  readonly failures: ReadonlyMap<ActionId, AttemptFailure>;
  /** What the probes say of what runs. */
  readonly health: HealthByRevision;
  /**
   * What the node cannot bear, and why: it is stopped, and not started while it is in here, which is as long as the pressure lasts, also
   * over a restart of the agent (whom the last one evicted their revisions' `killed` tells). The reconciler records the event.
   */
  readonly evict: ReadonlyMap<PodKey, Failure>;
  /** What is dead and kept for its log alone makes room at once, and of what is evicted all that is dead. */
  readonly isDiskShort: boolean;
  /** Actions that had not ended when the look at the machine began. */
  readonly inFlight: readonly Action[];
  /** Monotonic. */
  readonly nowMs: number;
}

export interface AttemptFailure {
  readonly failure: Failure;
  /** What is told of it from the second try in a row on; undefined: the same. */
  readonly backOff?: Failure | undefined;
  /** Tries in a row. */
  readonly count: number;
  readonly retryAtMs: number;
}
