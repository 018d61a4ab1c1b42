// What is written to the journal from now on, for many who follow it, by one journalctl.
// Invariant: only so much of it is kept as fits the ring; who is further behind has to read the journal.

import { errorChain } from "../host/error.ts";
import type { JournalEntry } from "../systemd/export-format.ts";
import { followJournal, type JournalMatch, lastCursor } from "../systemd/journal.ts";

const ringBytesMax = 512 * 1024;
/** Of what one is given at once. */
const batchBytesMax = 64 * 1024;
/** Besides its message. */
const entryBytes = 300;

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
  /** Of the last entry before the ring. */
  #base: string | undefined;
  #error: Error | undefined;

  /** It knows all that is written after this has resolved. */
  async start(match: JournalMatch): Promise<void> {
    this.#base = await lastCursor(match, this.#end.signal);
    void this.#run(match).catch((error: unknown) => {
      this.#error = new Error(errorChain(error), { cause: error });
      this.#tell();
    });
  }

  async #run(match: JournalMatch): Promise<void> {
    for await (const entries of followJournal(match, this.#base, this.#end.signal)) {
      for (const entry of entries) {
        this.#ring.push(entry);
        this.#bytes += entry.message.length + entryBytes;
      }
      this.#trim();
      this.#tell();
    }
  }

  #trim(): void {
    let count = 0;
    for (; this.#bytes > ringBytesMax; count++) {
      const entry = this.#ring[count];
      if (entry === undefined) break;
      this.#bytes -= entry.message.length + entryBytes;
      this.#base = entry.cursor;
    }
    this.#ring.splice(0, count);
    this.#first += count;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
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
