// Why a Pod does not run as it should: told by reconcile's plan, shown by status.

import type { Failure } from "./observed-pod.ts";

export type Waiting =
  /** It is being started, or is next; `failure` is what the last try ended with. */
  | { readonly kind: "starting"; readonly failure: Failure | undefined }
  /** `count` tries in a row failed; the next is at `untilMs` on the monotonic clock. */
  | { readonly kind: "retry"; readonly failure: Failure; readonly count: number; readonly untilMs: number }
  /** Its last revision ended; the next is started after `backOffMs`, at `untilMs` on the monotonic clock. */
  | { readonly kind: "restart"; readonly backOffMs: number; readonly untilMs: number };
