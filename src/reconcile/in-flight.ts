// The actions under way, and how many may be.
// Invariant: a slow action holds up no other for long: what waits for a network gives its place away.

import type { Timers } from "../host/clock.ts";
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
/**
 * How long the agent's end waits for swaps: a pod has 30 s to end unless it says otherwise, and systemd gives us 90 s. What is not done then
 * the next agent does first thing.
 */
export const swapEndMs = 60_000;

/** What ends an action. */
export interface Signals {
  readonly signal: AbortSignal;
  /** Of a swap that has begun: not to be left half done, as nothing would run then, but where nothing is to run. */
  readonly swapSignal: AbortSignal;
}

interface Flight {
  readonly action: Action;
  readonly sinceMs: number;
  readonly cancel: AbortController;
  readonly cancelSwap: AbortController;
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
  start(action: Action, nowMs: number, work: (signals: Signals) => Promise<void>): void {
    const cancel = new AbortController();
    const cancelSwap = new AbortController();
    const ended = work({ signal: cancel.signal, swapSignal: cancelSwap.signal }).finally(() => {
      this.#flights.delete(flight);
      this.#onEnded();
    });
    const flight: Flight = { action, sinceMs: nowMs, cancel, cancelSwap, ended };
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

  /** It is not to have an effect. */
  cancel(action: Action): void {
    for (const flight of this.#flights) if (flight.action === action) abort(flight);
  }

  /** Another is to come after it. */
  outdate(action: Action): void {
    for (const flight of this.#flights) if (flight.action === action) flight.cancel.abort();
  }

  /** Tells all to end and waits until they have. */
  async cancelAll(timers: Timers): Promise<void> {
    for (const { cancel } of this.#flights) cancel.abort();
    const cancelAlarm = timers.after(swapEndMs, () => this.#flights.forEach(abort));
    await Promise.all([...this.#flights].map(({ ended }) => ended));
    cancelAlarm();
  }
}

function abort({ cancel, cancelSwap }: Flight): void {
  cancel.abort();
  cancelSwap.abort();
}
