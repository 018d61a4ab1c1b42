// Whether what is missing from the manifest path was deleted by somebody, or is only not there: unmounted, moved away, half restored.
// Pure: the time is told. Invariant: what was accepted is missed only where the path was ready before, or a person has confirmed it.
//
//   ready ──cannot be read, is not there──► not ready
//   ready ──lacks files, on another file system──► not ready
//   ready ──lacks two files or more, holds none──► not ready
//   ready ──lacks files, and was made again──► filling: what is there counts, what is missing is not missed
//
//   not ready ──some files are back, on the same file system──► filling ──30 s without a change──► ready
//   either ──every file is back, or a person confirms──► ready

import type { Listing, Place } from "./listing.ts";

/** A copy, an unpacking or a download seldom goes on after a longer pause. */
const quietMs = 30_000;

/** What the next agent has to know too. */
export interface Memory {
  /** Where the manifests were last; undefined: nowhere yet. */
  readonly place: Place | undefined;
  readonly isReady: boolean;
}

export type Verdict =
  | { readonly kind: "ready" }
  /** What was seen does not count. */
  | { readonly kind: "notReady"; readonly reason: string }
  /** `dueMs`: when it will do without a change; undefined: never. */
  | { readonly kind: "filling"; readonly reason: string; readonly dueMs: number | undefined };

interface Known {
  /** By file, what was accepted from it. */
  readonly accepted: ReadonlyMap<string, unknown>;
  readonly nowMs: number;
}

const advice =
  "Nothing is deleted: put it back, or, if its pods are to go, confirm that with gantry confirm-delete";

export class Absence {
  readonly #path: string;
  #memory: Memory;
  /** Files that a person wants to be missed. */
  #confirmed: ReadonlySet<string> = new Set();
  /** What was seen last while it fills. */
  #last: { readonly seen: string; readonly sinceMs: number } | undefined;

  constructor(path: string, memory: Memory) {
    this.#path = path;
    this.#memory = memory;
  }

  /** Another object only when it has changed. */
  get memory(): Memory {
    return this.#memory;
  }

  look(listing: Listing, known: Known): Verdict {
    const verdict = this.#judge(listing, known);
    if (verdict.kind !== "filling") this.#last = undefined;
    if (verdict.kind !== "ready") this.#remember(this.#memory.place, false);
    else if (listing.kind !== "unreadable") this.#remember(listing.place, true);
    return verdict;
  }

  /** What is missing is meant to be. Undefined, or why nobody can tell what is missing. */
  confirm(listing: Listing, accepted: Known["accepted"]): string | undefined {
    if (listing.kind === "unreadable") return `${this.#path} cannot be read: ${listing.reason}`;
    this.#confirmed = new Set(missingOf(accepted, listing));
    this.#remember(listing.place, true);
    return undefined;
  }

  #judge(listing: Listing, { accepted, nowMs }: Known): Verdict {
    const path = this.#path;
    if (listing.kind === "unreadable") {
      return notReady(`${path} cannot be read: ${listing.reason}. Nothing is deleted until it can be`);
    }
    const missing = missingOf(accepted, listing);
    this.#confirmed = new Set(missing.filter((file) => this.#confirmed.has(file)));
    const lacking = missing.filter((file) => !this.#confirmed.has(file));
    const { place, isReady } = this.#memory;
    if (listing.kind === "missing") {
      if (isSamePlace(place, listing.place)) return { kind: "ready" }; // a person has confirmed that there is none
      return notReady(lacking.length === 0 ? `${path} is not there` : `${path} is not there. ${advice}`);
    }
    if (lacking.length === 0) return { kind: "ready" };
    const lacks = `lacks ${listOf(lacking)}`;
    if (isElsewhere("device", place, listing.place)) {
      return notReady(
        `${path} is on another file system than before and ${lacks}: is something not mounted? ${advice}`,
      );
    }
    const isDoubted = !isReady || isElsewhere("inode", place, listing.place);
    const isEmpty = [...listing.entries.values()].every(({ kind }) => kind === "skipped");
    if (isEmpty && (isDoubted || lacking.length > 1)) {
      return notReady(`${path} holds no manifest any more and ${lacks}. ${advice}`);
    }
    if (listing.kind === "file" && !accepted.has(path)) {
      return {
        kind: "filling",
        reason: `${path} is a file now, and no directory. ${advice}`,
        dueMs: undefined,
      };
    }
    const dueMs = isDoubted ? this.#quietAtMs(listing, nowMs) : nowMs;
    if (dueMs <= nowMs) return { kind: "ready" };
    const reason = `${path} was away and still ${lacks}. What is missing is deleted once nothing has changed there for 30 s`;
    return {
      kind: "filling",
      reason: `${reason}: put it back, or confirm with gantry confirm-delete`,
      dueMs,
    };
  }

  #quietAtMs({ entries }: Pick<Seen, "entries">, nowMs: number): number {
    const seen = JSON.stringify([...entries]);
    if (this.#last?.seen !== seen) this.#last = { seen, sinceMs: nowMs };
    return this.#last.sinceMs + quietMs;
  }

  #remember(place: Place | undefined, isReady: boolean): void {
    if (isReady === this.#memory.isReady && isSamePlace(place, this.#memory.place)) return;
    this.#memory = { place, isReady };
  }
}

type Seen = Exclude<Listing, { readonly kind: "unreadable" }>;

function missingOf(accepted: Known["accepted"], { entries }: Seen): readonly string[] {
  return [...accepted.keys()].filter((file) => !entries.has(file));
}

function notReady(reason: string): Verdict {
  return { kind: "notReady", reason };
}

/** Only where both are known. */
function isElsewhere(part: keyof Place, before: Place | undefined, now: Place): boolean {
  return before?.[part] !== undefined && now[part] !== undefined && before[part] !== now[part];
}

function isSamePlace(a: Place | undefined, b: Place | undefined): boolean {
  return a?.device === b?.device && a?.inode === b?.inode && (a === undefined) === (b === undefined);
}

/** `2 manifests (a.yaml, b.yaml)` */
function listOf(paths: readonly string[]): string {
  const names = paths.slice(0, 3).map((path) => path.slice(path.lastIndexOf("/") + 1));
  if (paths.length > names.length) names.push(`${paths.length - names.length} more`);
  return `${paths.length === 1 ? "a manifest" : `${paths.length} manifests`} (${names.join(", ")})`;
}
