// How long a check may take. Invariant: nothing of it stays, neither an alarm nor a listener, once it is disposed of.

import type { Timers } from "../host/clock.ts";

export interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The time is up. Each kind of check has words of its own for it. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/** Aborts with a DeadlineError at its end, and with the reason of the other signal where that comes first. */
export class Deadline implements Disposable {
  readonly #ended = new AbortController();
  readonly #release: () => void;

  constructor({ timeoutMs, signal }: Limits, timers: Timers) {
    const cancelAlarm = timers.after(timeoutMs, () => this.#ended.abort(new DeadlineError("the time is up")));
    const cancel = () => this.#ended.abort(signal.reason);
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel, { once: true });
    this.#release = () => {
      cancelAlarm();
      signal.removeEventListener("abort", cancel);
    };
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}
