// Those who follow what units write.
// Invariant: there is one journalctl for all who follow the same, as long as anybody waits for more of it, and none for what has ended; what is
// there already, and what somebody was too slow for, is read a piece at a time, by few at once.

import type { JournalEntry } from "../systemd/export-format.ts";
import { type JournalMatch, type JournalStart, readJournal } from "../systemd/journal.ts";
import { JournalFeed, type Position } from "./journal-feed.ts";
import { Turns } from "./turns.ts";

const pieceBytesMax = 128 * 1024;
const readersAtOnce = 4;

export interface FollowOptions {
  readonly start: JournalStart;
  /** Ends it at once. */
  readonly signal: AbortSignal;
  /** Nothing more is written, and all that was can be read: ends it when all has been. */
  readonly ended: AbortSignal;
}

interface SharedFeed {
  readonly feed: JournalFeed;
  readonly started: Promise<void>;
  followers: number;
}

export class JournalFollowers {
  readonly #feeds = new Map<string, SharedFeed>();
  readonly #turns = new Turns(readersAtOnce);

  /** Not more at once than a piece. */
  async *follow(
    match: JournalMatch,
    { start, signal, ended }: FollowOptions,
  ): AsyncGenerator<readonly JournalEntry[], void, undefined> {
    const position: Position = {
      cursor: start?.kind === "after" ? start.cursor : undefined,
      next: undefined,
    };
    using place = new DisposableStack();
    let from = start;
    let feed: JournalFeed | undefined;
    while (!signal.aborted) {
      const isOver = ended.aborted;
      if (!isOver && feed === undefined) {
        feed = await this.#join(match, place);
        position.next = feed.numberOf(start);
      }
      const known = isOver ? undefined : feed?.after(position);
      const entries = known ?? (await this.#piece(match, from, signal));
      const last = entries.at(-1);
      if (last) {
        position.cursor = last.cursor;
        if (position.next !== undefined) position.next += entries.length;
        from = { kind: "after", cursor: last.cursor };
        yield entries;
      } else if (isOver) return;
      // Something may have come while a piece was read.
      else if (!feed?.after(position)?.length) await feed?.changed([signal, ended]);
    }
  }

  async #join(match: JournalMatch, place: DisposableStack): Promise<JournalFeed> {
    const key = JSON.stringify(match);
    let shared = this.#feeds.get(key);
    if (shared === undefined || shared.feed.hasFailed) {
      const feed = new JournalFeed();
      shared = { feed, started: feed.start(match), followers: 0 };
      this.#feeds.set(key, shared);
    }
    const { feed, started } = shared;
    shared.followers += 1;
    place.defer(() => {
      shared.followers -= 1;
      if (shared.followers > 0) return;
      feed[Symbol.dispose]();
      if (this.#feeds.get(key) === shared) this.#feeds.delete(key);
    });
    await started;
    return feed;
  }

  async #piece(
    match: JournalMatch,
    start: JournalStart,
    signal: AbortSignal,
  ): Promise<readonly JournalEntry[]> {
    const piece: JournalEntry[] = [];
    let bytes = 0;
    try {
      using _turn = await this.#turns.take(signal);
      for await (const entries of readJournal(match, start, signal)) {
        piece.push(...entries);
        bytes += entries.reduce((sum, { message }) => sum + message.length, 0);
        if (bytes > pieceBytesMax) break;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return piece;
  }
}
