// What is written to the journal from now on, for many who follow it, by one journalctl.
// Invariant: only so much of it is kept as fits the ring; who is further behind has to read the journal.

import { errorChain } from "../host/error.ts";
import type { JournalEntry } from "../systemd/export-format.ts";
import { followJournal, type JournalMatch, type JournalStart, readJournal } from "../systemd/journal.ts";

const ringBytesMax = 512 * 1024;
/** What was written last is there from the start: most who come want no more of it. */
const earlierLines = 500;
/** Of what one is given at once. */
const batchBytesMax = 64 * 1024;

/** Where one who follows is. */
export interface Position {
  /** Of the last entry that he has; undefined: none. */
  cursor: string | undefined;
  /** The number in the feed of the next; undefined: to be found by the cursor. */
  next: number | undefined;
}

export class JournalFeed implements Disposable {
  readonly #end = new AbortController();
  readonly #listeners = new Set<() => void>();
  readonly #ring: JournalEntry[] = [];
  /** The number of the first in the ring; each has one more than that before it. */
  #first = 0;
  #bytes = 0;
  /** Of the last entry before the ring; undefined: there is none, at least none that is in the journal still. */
  #base: string | undefined;
  #error: Error | undefined;

  /** It knows all that is written after this has resolved, and some of what was before. */
  async start(match: JournalMatch): Promise<void> {
    const { signal } = this.#end;
    let count = 0;
    for await (const entries of readJournal(match, { kind: "tail", lines: earlierLines }, signal)) {
      count += entries.length;
      this.#add(entries);
    }
    if (count === earlierLines) this.#drop(1); // there may be more before it
    void this.#run(match, this.#ring.at(-1)?.cursor ?? this.#base).catch((error: unknown) => {
      this.#error = new Error(errorChain(error), { cause: error });
      this.#tell();
    });
  }

  async #run(match: JournalMatch, after: string | undefined): Promise<void> {
    for await (const entries of followJournal(match, after, this.#end.signal)) {
      this.#add(entries);
      this.#tell();
    }
  }

  #add(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      this.#ring.push(entry);
      this.#bytes += sizeOf(entry);
    }
    let surplus = 0;
    for (let bytes = this.#bytes; bytes > ringBytesMax; surplus++) bytes -= sizeOf(this.#ring[surplus]);
    this.#drop(surplus);
  }

  #drop(count: number): void {
    const dropped = this.#ring.splice(0, count);
    this.#first += dropped.length;
    this.#bytes -= dropped.reduce((sum, entry) => sum + sizeOf(entry), 0);
    this.#base = dropped.at(-1)?.cursor ?? this.#base;
  }

  /** Nothing more comes of it. */
  get hasFailed(): boolean {
    return this.#error !== undefined;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** The number of what comes first from there; undefined: that is not known here. */
  numberOf(start: JournalStart): number | undefined {
    const hasAll = this.#base === undefined;
    switch (start?.kind) {
      case undefined:
        return hasAll ? this.#first : undefined;
      case "after":
        return this.#numberAfter(start.cursor);
      case "tail":
        if (!hasAll && this.#ring.length < start.lines) return undefined;
        return this.#first + Math.max(0, this.#ring.length - start.lines);
      case "since": {
        const at = this.#ring.findIndex(({ realtimeUs }) => realtimeUs >= start.realtimeUs);
        if (at === 0 && !hasAll) return undefined;
        return this.#first + (at === -1 ? this.#ring.length : at);
      }
      default:
        return start satisfies never;
    }
  }

  /** What comes next; none: nothing yet; undefined: that is not known here. Throws where the journal cannot be followed. */
  after(position: Position): readonly JournalEntry[] | undefined {
    if (this.#error) throw this.#error;
    const next = position.next ?? this.#numberAfter(position.cursor);
    position.next = next !== undefined && next >= this.#first ? next : undefined;
    if (position.next === undefined) return undefined;
    const start = position.next - this.#first;
    let end = start;
    for (let bytes = 0; end < this.#ring.length && bytes < batchBytesMax; end++) {
      bytes += this.#ring[end]?.message.length ?? 0;
    }
    return this.#ring.slice(start, end);
  }

  #numberAfter(cursor: string | undefined): number | undefined {
    if (cursor === this.#base) return this.#first;
    const at = this.#ring.findLastIndex((entry) => entry.cursor === cursor);
    return at === -1 ? undefined : this.#first + at + 1;
  }

  /** Resolves when there is more to be had, or when one of the signals is aborted. */
  async changed(signals: readonly AbortSignal[]): Promise<void> {
    if (signals.some(({ aborted }) => aborted)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const settle = () => resolve();
    this.#listeners.add(settle);
    for (const signal of signals) signal.addEventListener("abort", settle);
    await promise;
    this.#listeners.delete(settle);
    for (const signal of signals) signal.removeEventListener("abort", settle);
  }

  [Symbol.dispose](): void {
    this.#end.abort();
  }
}

/** About what an entry takes of memory. */
function sizeOf(entry: JournalEntry | undefined): number {
  return (entry?.message.length ?? 0) + 300;
}
