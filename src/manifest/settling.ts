// What of a directory counts: only what two looks, at least `settleMs` apart, have seen alike. A file that is being written, and one
// that is gone for a moment while an editor saves, are neither read nor missed. Pure: the time is told.

import type { Entry } from "./listing.ts";

export const settleMs = 50;

/** A path whose pods are known from before this process, and which has not been looked at yet. */
interface Remembered {
  readonly kind: "remembered";
}

export type Settled = Entry | Remembered;

interface Candidate {
  /** Undefined: it is gone. */
  readonly entry: Entry | undefined;
  readonly sinceMs: number;
}

export class Settling {
  readonly #settled: Map<string, Settled>;
  readonly #candidates = new Map<string, Candidate>();

  constructor(remembered: Iterable<string>) {
    this.#settled = new Map(Array.from(remembered, (path) => [path, { kind: "remembered" }]));
  }

  /** By absolute path. */
  get settled(): ReadonlyMap<string, Settled> {
    return this.#settled;
  }

  /** When to look again, on the clock of `look`; undefined when nothing is undecided. */
  get dueMs(): number | undefined {
    if (this.#candidates.size === 0) return undefined;
    return Math.min(...Array.from(this.#candidates.values(), ({ sinceMs }) => sinceMs)) + settleMs;
  }

  /** Takes in a look that began at `nowMs`; `covers` tells whether it could have seen a path. */
  look(
    entries: ReadonlyMap<string, Entry>,
    { nowMs, covers }: { nowMs: number; covers: (path: string) => boolean },
  ): void {
    for (const path of new Set([...this.#settled.keys(), ...this.#candidates.keys(), ...entries.keys()])) {
      const entry = entries.get(path);
      const candidate = this.#candidates.get(path);
      if ((entry === undefined && !covers(path)) || isSame(entry, this.#settled.get(path))) {
        this.#candidates.delete(path);
      } else if (candidate === undefined || !isSame(entry, candidate.entry)) {
        this.#candidates.set(path, { entry, sinceMs: nowMs });
      } else if (nowMs - candidate.sinceMs >= settleMs) {
        this.#candidates.delete(path);
        if (entry === undefined) this.#settled.delete(path);
        else this.#settled.set(path, entry);
      }
    }
  }

  /** What has settled was not what reading it then found. */
  unsettle(path: string, nowMs: number): void {
    const entry = this.#settled.get(path);
    this.#settled.set(path, { kind: "remembered" });
    if (entry !== undefined && entry.kind !== "remembered")
      this.#candidates.set(path, { entry, sinceMs: nowMs });
  }

  /** A look failed: the looks before and after it are not two in a row. */
  lookFailed(): void {
    this.#candidates.clear();
  }
}

function isSame(a: Settled | undefined, b: Settled | undefined): boolean {
  if (a === undefined || b === undefined || a.kind !== b.kind) return a === b;
  if (a.kind === "file" && b.kind === "file") return a.identity === b.identity;
  return "reason" in a && "reason" in b && a.reason === b.reason;
}
