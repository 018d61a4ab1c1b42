// How long it takes from a change of a manifest until its Pod runs, and until it is Ready. Pure but for what it keeps.
// Invariant: what already ran when it was first seen, as after a restart of the agent, says nothing.

import type { PodKey, SpecHash } from "../pod/names.ts";

export interface WantedPod {
  readonly key: PodKey;
  readonly specHash: SpecHash;
}

/** As it is written now. */
export interface PodProgress extends WantedPod {
  readonly isRunning: boolean;
  readonly isReady: boolean;
}

export interface StartTimesOptions {
  /** A Pod that was not there before runs. */
  readonly onRunning: (seconds: number) => void;
  /** A Pod is Ready as it was written last. */
  readonly onReady: (seconds: number) => void;
}

interface Start {
  readonly specHash: SpecHash;
  readonly changedMs: number;
  readonly isNew: boolean;
  /** A look at the machine has shown that it does not run yet. */
  isAwaited: boolean;
  isRunning: boolean;
  /** There is nothing more to learn. */
  isDone: boolean;
}

export class StartTimes {
  readonly #options: StartTimesOptions;
  readonly #starts = new Map<PodKey, Start>();

  constructor(options: StartTimesOptions) {
    this.#options = options;
  }

  /** What the manifests say now, all of it. `nowMs` is monotonic. */
  noteWanted(pods: readonly WantedPod[], nowMs: number): void {
    const keys = new Set(pods.map(({ key }) => key));
    for (const key of this.#starts.keys()) if (!keys.has(key)) this.#starts.delete(key);
    for (const { key, specHash } of pods) {
      const before = this.#starts.get(key);
      if (before?.specHash === specHash) continue;
      const isNew = before === undefined;
      const state = { isAwaited: false, isRunning: false, isDone: false };
      this.#starts.set(key, { specHash, changedMs: nowMs, isNew, ...state });
    }
  }

  /** How far they are, after a look at the machine. */
  noteProgress(pods: readonly PodProgress[], nowMs: number): void {
    for (const { key, specHash, isRunning, isReady } of pods) {
      const start = this.#starts.get(key);
      if (start === undefined || start.isDone || start.specHash !== specHash) continue;
      if (!start.isAwaited && isRunning) start.isDone = true;
      start.isAwaited = true;
      if (start.isDone || !isRunning) continue;
      const seconds = (nowMs - start.changedMs) / 1000;
      if (start.isNew && !start.isRunning) this.#options.onRunning(seconds);
      start.isRunning = true;
      if (!isReady) continue;
      this.#options.onReady(seconds);
      start.isDone = true;
    }
  }
}
