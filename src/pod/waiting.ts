// Why a Pod is not as it should be: told by reconcile's plan, shown by status.

import type { PodKey } from "./names.ts";
import type { Failure } from "./observed-pod.ts";
import type { Stage } from "./stage.ts";

/** A Pod may wait for several things: two of its stages may be in back-off at once. All times are on the monotonic clock. */
export type Waiting =
  /** The stage is being started, or is next; `failure` is what the last try ended with. */
  | { readonly kind: "starting"; readonly stage: Stage; readonly failure: Failure | undefined }
  /** `count` tries in a row to start the stage failed; the next is at `untilMs`. */
  | {
      readonly kind: "retry";
      readonly stage: Stage;
      readonly failure: Failure;
      readonly count: number;
      readonly untilMs: number;
    }
  /** The stage's last revision crashed; the next is started after `backOffMs`, at `untilMs`. */
  | { readonly kind: "restart"; readonly stage: Stage; readonly backOffMs: number; readonly untilMs: number }
  /** The stages after this one wait for it, which runs: for an init container to end, for a sidecar to be started. */
  | { readonly kind: "initializing"; readonly stage: Stage }
  /** It is started once other Pods are Ready (`gantry.io/after`): those in `pods` are not, those in `unknown` are not there. */
  | { readonly kind: "after"; readonly pods: readonly PodKey[]; readonly unknown: readonly PodKey[] }
  /** It is started when the node has again what it lacks. */
  | { readonly kind: "evicted"; readonly failure: Failure }
  /** It is over and not started again (DeadlineExceeded), whatever its revisions tell. */
  | { readonly kind: "failed"; readonly failure: Failure }
  /** Its manifest as it is now was not Ready in time: until the manifest changes, the Pod is the last version that was. */
  | { readonly kind: "rolledBack"; readonly failure: Failure }
  /** It runs, and what can be changed in place is not yet as written (ConfigMaps, labels); `failure` is what the last try ended with. */
  | { readonly kind: "refresh"; readonly failure: Failure | undefined }
  /** `count` tries in a row to stop it, or to remove what is dead of it, failed; the next is at `untilMs`. */
  | {
      readonly kind: "ending";
      readonly failure: Failure;
      readonly count: number;
      readonly untilMs: number;
    };
