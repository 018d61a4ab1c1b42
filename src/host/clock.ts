// Time. Invariant: delays are measured on `nowMs`, which no one can set; `wallMs` is for display.

import { openSync, readSync } from "node:fs";

export interface Clock {
  /** Milliseconds since this boot, in steps of 10; goes on while the machine sleeps. */
  nowMs(): number;
  /** Milliseconds since the epoch. */
  wallMs(): number;
}

export const systemClock: Clock = {
  nowMs: createUptime("/proc/uptime"),
  wallMs: () => Date.now(),
};

/**
 * This is the clock that a shell in a unit can read too (CLOCK_BOOTTIME); performance.now() is not. The file stays open: without a clock we could do
 * nothing, also where there are no file descriptors left.
 */
function createUptime(path: string): () => number {
  let fd: number | undefined;
  const buffer = Buffer.alloc(64);
  return () => {
    fd ??= openSync(path, "r");
    const length = readSync(fd, buffer, 0, buffer.length, 0);
    return Math.round(Number.parseFloat(buffer.toString("latin1", 0, length)) * 1000);
  };
}

/**
 * Alarms. They may be late, never early by more than the clock's step, or after 24 days; who needs to be right asks the clock.
 */
export interface Timers {
  /** Calls back once; the result cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The longest that setTimeout knows: with a longer one it would ring at once. */
const delayMsMax = 2 ** 31 - 1;

export const systemTimers: Timers = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, delayMsMax));
    return () => clearTimeout(timer);
  },
};
