// One job of systemd's, from before it is queued until it has ended.
// Invariant: a lost JobRemoved signal costs time, never the result: the job is asked for after each gap, and now and then.

import type { UnitName } from "../pod/names.ts";
import { SystemdError } from "./systemd-error.ts";

export interface JobOptions {
  /** For the whole job, not only for systemd's answer. The job itself goes on. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface JobQueries {
  /** Queues the job and returns its object path. */
  queue(options: JobOptions): Promise<string>;
  /** How the job ended, as far as the unit's state shows it; undefined while it has not. */
  ask(path: string, signal: AbortSignal): Promise<string | undefined>;
}

const askIntervalMs = 5000;

export class Job {
  readonly unit: UnitName;
  readonly #queries: JobQueries;
  readonly #ended = Promise.withResolvers<string>();
  /** Of this unit's jobs, by path: ours may be over before its path is known. */
  readonly #results = new Map<string, string>();
  readonly #over = new AbortController();
  #path: string | undefined;

  constructor(unit: UnitName, queries: JobQueries) {
    this.unit = unit;
    this.#queries = queries;
    this.#ended.promise.catch(() => undefined); // it may fail while queue() is still waited for
  }

  /** A job of this unit's has ended. */
  removed(path: string, result: string): void {
    this.#results.set(path, result);
    this.#settle();
  }

  /** Signals may have been lost. */
  lookAgain(): void {
    if (this.#path === undefined) return;
    this.#queries.ask(this.#path, this.#over.signal).then(
      (result) => result !== undefined && this.#ended.resolve(result),
      () => undefined, // there will be another time, or the deadline
    );
  }

  fail(error: SystemdError): void {
    this.#ended.reject(error);
  }

  /** Throws SystemdError unless the job ends with `done`. To be called once. */
  async run(options: JobOptions): Promise<void> {
    const { unit } = this;
    const { timeoutMs, signal } = options;
    const cancel = () => this.fail(new SystemdError(`${unit}: canceled`, { isCanceled: true, unit }));
    const expire = () => this.fail(new SystemdError(`${unit}: not done in time`, { isTimeout: true, unit }));
    const deadline = setTimeout(expire, timeoutMs);
    const asking = setInterval(() => this.lookAgain(), askIntervalMs);
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      this.#path = await this.#queries.queue(options);
      this.#settle();
      const jobResult = await this.#ended.promise;
      if (jobResult !== "done")
        throw new SystemdError(`${unit}: the job ended with "${jobResult}"`, { jobResult, unit });
    } finally {
      clearTimeout(deadline);
      clearInterval(asking);
      signal?.removeEventListener("abort", cancel);
      this.#over.abort();
    }
  }

  #settle(): void {
    const result = this.#path === undefined ? undefined : this.#results.get(this.#path);
    if (result !== undefined) this.#ended.resolve(result);
  }
}
