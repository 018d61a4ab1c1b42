// How long an image that could not be pulled is left alone: 10 s, doubled up to 5 min, whichever pod asks for it.
// Invariant: it only says when; the next try is the reconciler's.

import type { Clock } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import { backOffMs, retryBackOff } from "../reconcile/restart.ts";
import { RuntimeError } from "../reconcile/runtime.ts";

interface Failure {
  /** In a row. */
  readonly count: number;
  readonly retryAtMs: number;
  readonly cause: unknown;
}

export class PullBackOff {
  readonly #clock: Clock;
  readonly #failures = new Map<string, Failure>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws ImagePullBackOff while `key` is left alone. `subject`: `image "NAME"`. */
  check(key: string, subject: string): void {
    const failure = this.#failures.get(key);
    if (failure === undefined || this.#clock.nowMs() >= failure.retryAtMs) return;
    const { cause, retryAtMs } = failure;
    throw new RuntimeError("ImagePullBackOff", `Back-off pulling ${subject}`, { cause, retryAtMs });
  }

  /** The error to throw for a pull that failed. */
  failed(key: string, subject: string, cause: unknown): RuntimeError {
    const nowMs = this.#clock.nowMs();
    for (const [other, { retryAtMs }] of this.#failures)
      if (nowMs - retryAtMs > retryBackOff.maxMs) this.#failures.delete(other); // of a try that is long over
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const retryAtMs = nowMs + backOffMs(count, retryBackOff);
    this.#failures.set(key, { count, retryAtMs, cause });
    const message = `Back-off pulling ${subject}: ${errorChain(cause)}`;
    return new RuntimeError("ErrImagePull", `Failed to pull ${subject}`, {
      cause,
      retryAtMs,
      backOff: { reason: "ImagePullBackOff", message },
    });
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }
}
