// The port: what the reconciler needs of a machine. src/runtime/ makes it of rkt and systemd, test/fakes/ of memory;
// test/contract/runtime.ts says what every implementation must do.

import type { RktUuid } from "../pod/names.ts";
import type { Failure, Observation, Reason, Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import type { Stage } from "../pod/stage.ts";

/**
 * Every call may be repeated, and throws RuntimeError when the world fails. What a call throws, what was made, started, stopped or
 * evicted becomes an event by the reconciler; what happens within a call (pulls, preStop hooks) by the runtime.
 */
export interface Runtime {
  /** A complete look at what is ours, or an exception: never a part of it. */
  observe(signal: AbortSignal): Promise<Observation>;
  /**
   * Fetches what is missing for the whole Pod by each container's pull policy, so that a swap is not begun that cannot be ended, and
   * makes a revision of one stage that can be started.
   */
  prepare(pod: Pod, attempt: Attempt, signal: AbortSignal): Promise<RktUuid>;
  /** Starts what prepare() made; resolves once systemd has started it. */
  start(uuid: RktUuid, signal: AbortSignal): Promise<void>;
  /** Writes what the volumes of a pod that runs should hold now, and its accepted manifest, where they differ; nothing is restarted. */
  refresh(pod: Pod, signal: AbortSignal): Promise<void>;
  /** Runs the postStart hooks of a revision that runs, and remembers that it has; throws FailedPostStartHook. */
  postStart(pod: Pod, revision: Revision, signal: AbortSignal): Promise<void>;
  /**
   * Remembers that a revision was Ready once, and in its pod's directory this version of the Pod as the last good one
   * (PodDirectory.good), for `gantry.io/rollback-after`.
   */
  markReady(pod: Pod, revision: Revision, signal: AbortSignal): Promise<void>;
  /**
   * Runs the preStop hooks within the grace period, then ends it; resolves once nothing of it runs any more. Where the hooks are through it ends
   * also when the call is aborted.
   */
  stop(revision: Revision, stop: Stop, signal: AbortSignal): Promise<void>;
  /** Removes what is left of a revision that does not run: its rkt pod, its unit. */
  remove(revision: Revision, signal: AbortSignal): Promise<void>;
  /** Removes the directory, volumes included, of a pod that has no revision left, and whatever else the machine has of it. */
  removePodDirectory(uid: Pod["uid"], signal: AbortSignal): Promise<void>;
}

/** What a revision remembers of its start. */
export interface Attempt {
  /** 0 for the first start of a Pod as it is now written. */
  readonly restartCount: number;
  /** The crash back-off that the Pod has reached: what its next crash doubles. */
  readonly backOffMs: number;
  /** Revision.activeSinceMs, to be kept over reboots; undefined: the Pod's life begins with this. */
  readonly activeSinceMs: number | undefined;
  readonly stage: Stage;
  /** Whose network namespace it is to run in; undefined: the Pod's network is to be set up for it. */
  readonly networkOf: RktUuid | undefined;
  /** Live ones, of this Pod and of others, that its unit is to be started after and so stopped before (systemd.unit(5), After=). */
  readonly after: readonly RktUuid[];
  /** The other way round. */
  readonly before: readonly RktUuid[];
}

export interface Stop {
  /** Its own fault, to be remembered (`killed`); undefined: it makes room, or is not wanted any more (`isStopped`). */
  readonly cause: Failure | undefined;
  /** Undefined: the pod's own grace period. */
  readonly graceSeconds: number | undefined;
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
