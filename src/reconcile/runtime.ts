// The port: what the reconciler needs of a machine. src/runtime/ makes it of rkt and systemd, test/fakes/ of memory;
// test/contract/runtime.ts says what every implementation must do.

import type { RktUuid } from "../pod/names.ts";
import type { Failure, Observation, Reason, Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";

/** Every call may be repeated, and throws RuntimeError when the world fails. */
export interface Runtime {
  /** A complete look at what is ours, or an exception: never a part of it. */
  observe(signal: AbortSignal): Promise<Observation>;
  /** Fetches what is missing by each container's pull policy and makes a revision that can be started. */
  prepare(pod: Pod, attempt: Attempt, signal: AbortSignal): Promise<RktUuid>;
  /** Starts what prepare() made; resolves once systemd has started it. */
  start(uuid: RktUuid, signal: AbortSignal): Promise<void>;
  /** Writes what the volumes of a pod that runs should hold now, where it differs; nothing is restarted. */
  refresh(pod: Pod, signal: AbortSignal): Promise<void>;
  /** Resolves once nothing of it runs any more. */
  stop(revision: Revision, signal: AbortSignal): Promise<void>;
  /** Removes what is left of a revision that does not run: its rkt pod, its unit. */
  remove(revision: Revision, signal: AbortSignal): Promise<void>;
  /** Removes the directory, volumes included, of a pod that has no revision left. */
  removePodDirectory(uid: Pod["uid"], signal: AbortSignal): Promise<void>;
}

/** What a revision remembers of its start. */
export interface Attempt {
  /** 0 for the first start of a Pod as it is now written. */
  readonly restartCount: number;
  /** The crash back-off that was waited for. */
  readonly backOffMs: number;
}

export interface RuntimeErrorOptions extends ErrorOptions {
  /** When to try again, on the monotonic clock, where the runtime knows better than the reconciler. */
  readonly retryAtMs?: number;
  /** What is told while that is waited for, from the second failure in a row on; else the same. */
  readonly backOff?: Failure;
}

export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
  readonly reason: Reason;
  readonly retryAtMs: number | undefined;
  readonly backOff: Failure | undefined;
  constructor(reason: Reason, message: string, options: RuntimeErrorOptions = {}) {
    super(message, options);
    this.reason = reason;
    this.retryAtMs = options.retryAtMs;
    this.backOff = options.backOff;
  }
}
