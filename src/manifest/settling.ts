// What of a directory counts: only what two looks, at least `settleMs` apart, have seen alike. A file that is being written, and one
// that is gone for a moment while an editor saves, are neither read nor missed. What goes is missed together, once nothing more has gone
// for `goneMs`, so that it can be told whether all is gone, and what is new counts only then, as it may be what is gone under another name.
// Pure: the time is told.

import type { Entry } from "./listing.ts";

export const settleMs = 50;
export const goneMs = 250;
/** Something that comes and goes all the time holds up nothing else for longer. */
const heldUpMsMax = 2000;

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
    const goneMs = this.#lastGoneMs();
    return Math.min(
      ...Array.from(this.#candidates, ([path, candidate]) => this.#settlesMs(path, candidate, goneMs)),
    );
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
      }
    }
    const lastGoneMs = this.#lastGoneMs();
    for (const [path, candidate] of [...this.#candidates]) {
      if (this.#settlesMs(path, candidate, lastGoneMs) > nowMs) continue;
      this.#candidates.delete(path);
      if (candidate.entry === undefined) this.#settled.delete(path);
      else this.#settled.set(path, candidate.entry);
    }
  }

  /** When the last file that counts was found missing. */
  #lastGoneMs(): number {
    const gone = [...this.#candidates].filter(
      ([path, { entry }]) => entry === undefined && this.#settled.get(path)?.kind !== "skipped",
    );
    return Math.max(...gone.map(([, { sinceMs }]) => sinceMs));
  }

  /** A change of a file waits for nothing else. */
  #settlesMs(path: string, { entry, sinceMs }: Candidate, lastGoneMs: number): number {
    const isChange = entry !== undefined && this.#settled.has(path);
    const ownMs = sinceMs + settleMs;
    return isChange ? ownMs : Math.min(Math.max(ownMs, lastGoneMs + goneMs), sinceMs + heldUpMsMax);
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
