// The actions under way, and how many may be.
// Invariant: a slow action holds up no other for long: what waits for a network gives its place away.

import type { Action, ActionKind } from "./action.ts";

/** Each is a process or more on a machine that may have two cores; a stop is only a request to systemd, a hook waits for what is slow. */
const places: Readonly<Record<ActionKind, number>> = {
  run: 4,
  postStart: Number.POSITIVE_INFINITY,
  markReady: 4,
  refresh: 4,
  stop: Number.POSITIVE_INFINITY,
  remove: 4,
  removePodDirectory: 4,
};
/** After this long an action waits more than it works, so it no longer counts. */
const slowMs = 2000;

interface Flight {
  readonly action: Action;
  readonly sinceMs: number;
  readonly cancel: AbortController;
  /** Never rejects. */
  readonly ended: Promise<void>;
}

export class InFlight {
  readonly #flights = new Set<Flight>();
  readonly #onEnded: () => void;

  /** `onEnded` is called when an action has left. */
  constructor(onEnded: () => void) {
    this.#onEnded = onEnded;
  }

  get actions(): readonly Action[] {
    return [...this.#flights].map(({ action }) => action);
  }

  /** `work` never rejects. */
  start(action: Action, nowMs: number, work: (signal: AbortSignal) => Promise<void>): void {
    const cancel = new AbortController();
    const ended = work(cancel.signal).finally(() => {
      this.#flights.delete(flight);
      this.#onEnded();
    });
    const flight: Flight = { action, sinceMs: nowMs, cancel, ended };
    this.#flights.add(flight);
  }

  /** When there is a place for one more: `nowMs` or later. */
  placeAtMs(kind: ActionKind, nowMs: number): number {
    const leaveMs = [...this.#flights]
      .filter(({ action }) => action.kind === kind)
      .map(({ sinceMs }) => sinceMs + slowMs)
      .sort((a, b) => a - b);
    return Math.max(nowMs, leaveMs[leaveMs.length - places[kind]] ?? nowMs);
  }

  cancel(action: Action): void {
    for (const flight of this.#flights) if (flight.action === action) flight.cancel.abort();
  }

  /** Tells all to end and waits until they have. */
  async cancelAll(): Promise<void> {
    for (const { cancel } of this.#flights) cancel.abort();
    await Promise.all([...this.#flights].map(({ ended }) => ended));
  }
}
