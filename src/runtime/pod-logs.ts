// The logs of containers, of those to initialise too. Invariant: only the journal is read, never a file that a pod could write.

import type { Revision } from "../pod/observed-pod.ts";
import type { PodLog, PodLogQuery } from "../pod/pod-log.ts";
import type { JournalEntry } from "../systemd/export-format.ts";
import { type JournalStart, lastCursor, readJournal, syncJournal } from "../systemd/journal.ts";
import { type AppLog, logOfPod, logOfRevision, toLines } from "./app-log.ts";
import { type FoundContainer, findContainer, type ShownPods } from "./find-container.ts";
import { JournalFollowers } from "./journal-followers.ts";
import { Turns } from "./turns.ts";

export interface LoggedPods extends ShownPods {
  /** Tells when anything of a pod's status has changed; the result ends it. */
  subscribe(listener: (change: ChangedPod) => void): () => void;
}

export interface ChangedPod {
  readonly kind: "added" | "modified" | "deleted";
  readonly object: { readonly metadata?: { readonly namespace?: string; readonly name?: string } };
}

/** Each has a journalctl that reads all there is. */
const tailsAtOnce = 4;

export class PodLogs {
  readonly #status: LoggedPods;
  readonly #isBuiltin: boolean;
  readonly #followers = new JournalFollowers();
  readonly #tailTurns = new Turns(tailsAtOnce);
  #syncing: Promise<void> = Promise.resolve();
  #nextSync: Promise<void> | undefined;

  constructor({ status, isBuiltin }: { readonly status: LoggedPods; readonly isBuiltin: boolean }) {
    this.#status = status;
    this.#isBuiltin = isBuiltin;
  }

  open(query: PodLogQuery): PodLog {
    const found = findContainer(this.#status, query);
    if (found.kind !== "found") return found;
    const { name: container, reason, current, previous } = found;
    const revision = query.revisions === "previous" ? previous : current;
    if (revision === undefined && query.revisions !== "all") {
      return query.revisions === "previous"
        ? { kind: "noPrevious" }
        : { kind: "notStarted", container, reason };
    }
    const log = this.#logOf(query, found, revision);
    const entries = query.follow ? this.#follow(log, query, revision) : readLog(log, query);
    const isRunning = revision !== undefined && !hasEnded(revision, container);
    return { kind: "stream", container, isRunning, lines: toLines(entries) };
  }

  #logOf(query: PodLogQuery, found: FoundContainer, revision: Revision | undefined): AppLog {
    const app = { app: found.name, isBuiltin: this.#isBuiltin };
    if (query.revisions !== "all" && revision !== undefined) {
      return logOfRevision(revision.uuid, { ...app, apps: revision.apps.map(({ name }) => name) });
    }
    const known = [found.current, found.previous].filter((one) => one !== undefined);
    const uuids = [...new Set(known.map(({ uuid }) => uuid))];
    return logOfPod(found.podUid, uuids, { ...app, apps: found.containers });
  }

  async *#follow(
    log: AppLog,
    query: PodLogQuery,
    revision: Revision | undefined,
  ): AsyncGenerator<readonly JournalEntry[], void, undefined> {
    const { tailLines, sinceUs, signal } = query;
    using stack = new DisposableStack();
    const ended = await this.#awaitEnd(query, revision, stack);
    let start: JournalStart = sinceUs === undefined ? undefined : { kind: "since", realtimeUs: sinceUs };
    if (tailLines !== undefined && tailLines > 0 && log.isExact) start = { kind: "tail", lines: tailLines };
    else if (tailLines !== undefined) start = await this.#startOfTail(log, { tailLines, sinceUs, signal });
    for await (const entries of this.#followers.follow(log.match, { start, signal, ended })) {
      yield selected(log, entries, sinceUs);
    }
  }

  async #startOfTail(log: AppLog, tail: Tail): Promise<JournalStart> {
    try {
      using _turn = await this.#tailTurns.take(tail.signal);
      return await startOfTail(log, tail);
    } catch (error) {
      if (!tail.signal.aborted) throw error;
      return undefined;
    }
  }

  /** Aborted once nothing more comes of what is followed, and all that came can be read. */
  async #awaitEnd(
    query: PodLogQuery,
    revision: Revision | undefined,
    stack: DisposableStack,
  ): Promise<AbortSignal> {
    const ended = new AbortController();
    const isOver = () => {
      const found = findContainer(this.#status, query);
      if (query.revisions === "all" || revision === undefined) return found.kind !== "found";
      if (found.kind !== "found" || found.current?.uuid !== revision.uuid) return true;
      return hasEnded(found.current, found.name);
    };
    const end = () => this.#sync().then(() => ended.abort());
    if (isOver()) {
      await end();
      return ended.signal;
    }
    const endSubscription = this.#status.subscribe(({ object: { metadata } }) => {
      if (metadata?.namespace !== query.namespace || metadata.name !== query.name) return;
      if (isOver()) void end();
    });
    stack.defer(endSubscription);
    return ended.signal;
  }

  /** By one that begins from now on, shared by all who wait for it. */
  #sync(): Promise<void> {
    this.#nextSync ??= this.#syncing.then(() => {
      this.#syncing = syncJournal(new AbortController().signal);
      this.#nextSync = undefined;
      return this.#syncing;
    });
    return this.#nextSync;
  }
}

function hasEnded(revision: Revision, container: string): boolean {
  const app = revision.apps.find(({ name }) => name === container);
  return revision.state.kind === "exited" || app?.state.kind === "exited";
}

interface Range {
  readonly tailLines?: number | undefined;
  readonly sinceUs?: number | undefined;
  readonly signal: AbortSignal;
}

/** What an app wrote, oldest first; a long line in parts, as journald has it. */
export async function* readLog(
  log: AppLog,
  { tailLines, sinceUs, signal }: Range,
): AsyncGenerator<readonly JournalEntry[], void, undefined> {
  if (tailLines !== undefined && (tailLines === 0 || !log.isExact)) {
    yield* readTail(log, { tailLines, sinceUs, signal });
    return;
  }
  const since: JournalStart = sinceUs === undefined ? undefined : { kind: "since", realtimeUs: sinceUs };
  // --lines with --since would be the first ones (systemd 252).
  const start: JournalStart = tailLines === undefined ? since : { kind: "tail", lines: tailLines };
  for await (const entries of readJournal(log.match, start, signal)) yield selected(log, entries, sinceUs);
}

type Tail = Range & { readonly tailLines: number };

/** The last lines where it is known only of what was read whether it is the app's. */
async function* readTail(log: AppLog, tail: Tail): AsyncGenerator<readonly JournalEntry[], void, undefined> {
  let left = tail.tailLines;
  if (left === 0) return;
  const start = await startOfTail(log, tail);
  for await (const entries of readJournal(log.match, start, tail.signal)) {
    const ours = selected(log, entries, tail.sinceUs).slice(0, left);
    left -= ours.length;
    if (ours.length > 0) yield ours;
    if (left === 0) break;
  }
}

/** Where they begin: read twice, first to count, as they may be more than memory holds. */
async function startOfTail(log: AppLog, { tailLines, sinceUs, signal }: Tail): Promise<JournalStart> {
  if (tailLines === 0) {
    const cursor = await lastCursor(log.match, signal);
    return cursor === undefined ? undefined : { kind: "after", cursor };
  }
  const since: JournalStart = sinceUs === undefined ? undefined : { kind: "since", realtimeUs: sinceUs };
  let before = -tailLines;
  for await (const entries of readJournal(log.match, since, signal)) {
    before += selected(log, entries, sinceUs).length;
  }
  if (before <= 0) return since;
  for await (const entries of readJournal(log.match, since, signal)) {
    const ours = selected(log, entries, sinceUs);
    const last = ours[before - 1];
    if (last) return { kind: "after", cursor: last.cursor };
    before -= ours.length;
  }
  return since; // as the journal has forgotten what was before
}

function selected(
  { select, isExact }: AppLog,
  entries: readonly JournalEntry[],
  sinceUs = 0,
): readonly JournalEntry[] {
  if (isExact && sinceUs === 0) return entries;
  return entries.flatMap((entry) => (entry.realtimeUs < sinceUs ? [] : (select(entry) ?? [])));
}
