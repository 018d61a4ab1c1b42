// Time. Invariant: delays are measured on `nowMs`, which no one can set; `wallMs` is for display.

import { readFileSync } from "node:fs";

export interface Clock {
  /** Milliseconds since this boot, in steps of 10; goes on while the machine sleeps. */
  nowMs(): number;
  /** Milliseconds since the epoch. */
  wallMs(): number;
}

export const systemClock: Clock = {
  // /proc/uptime is the clock that a shell in a unit can read too (CLOCK_BOOTTIME); performance.now() is not.
  nowMs: () => Math.round(Number.parseFloat(readFileSync("/proc/uptime", "latin1")) * 1000),
  wallMs: () => Date.now(),
};

/** Alarms. They may be late, never early by more than the clock's step; who needs to be right asks the clock. */
export interface Timers {
  /** Calls back once; the result cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemTimers: Timers = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
