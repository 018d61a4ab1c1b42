// A clock that stands still until told, with alarms that ring as it passes them.

import type { Clock, Timers } from "../../src/host/clock.ts";

export class FakeClock implements Clock, Timers {
  /** A boot that is long past, so that nothing seems to be of an earlier one by accident. */
  #nowMs = 1_000_000;
  readonly #alarms = new Map<symbol, { readonly atMs: number; readonly ring: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return Date.UTC(2026, 0, 1) + this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const id = Symbol();
    this.#alarms.set(id, { atMs: this.#nowMs + delayMs, ring: callback });
    return () => this.#alarms.delete(id);
  }

  /** When the next alarm rings, from now; undefined: none is set. */
  get nextAlarmMs(): number | undefined {
    const times = [...this.#alarms.values()].map(({ atMs }) => atMs);
    return times.length > 0 ? Math.min(...times) - this.#nowMs : undefined;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const [id, { atMs, ring }] of this.#alarms) {
      if (atMs > this.#nowMs) continue;
      this.#alarms.delete(id);
      ring();
    }
  }
}
