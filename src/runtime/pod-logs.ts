// Where a container's lines are: its own unit's with the built-in engine; the pod unit's with a real rkt, whose stage1
// passes all apps through one console.

import { appUnitName, podUnitName, type RktUuid } from "../pod/names.ts";
import { type JournalEntry, readJournal } from "../systemd/journal.ts";

export interface PodLogQuery {
  readonly uuid: RktUuid;
  readonly app: string;
  /** All apps of that pod: with several, console lines tell them apart. */
  readonly apps: readonly string[];
  readonly isBuiltin: boolean;
  readonly follow: boolean;
  readonly tailLines?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly sinceMs?: number | undefined;
  readonly signal: AbortSignal;
}

/** `[ 2944.613393] main[12]: text`: systemd in the pod writes to the console so (rkt 1.30 with the host or coreos stage1). */
const consoleLine = /^\[ *\d+\.\d+\] ([a-z0-9-]+)\[\d+\]: (.*)$/s;

export async function* readPodLog(query: PodLogQuery): AsyncGenerator<JournalEntry> {
  const { uuid, app, isBuiltin, follow, tailLines, sinceMs, signal } = query;
  if (isBuiltin) {
    yield* readJournal({ unit: appUnitName(uuid, app), follow, tailLines, sinceMs, signal });
    return;
  }
  // Which lines are the app's is known only once they are read, so the tail is cut here.
  const entries = appLines(readJournal({ unit: podUnitName(uuid), follow, sinceMs, signal }), query);
  yield* tailLines === undefined || follow ? entries : lastOf(entries, tailLines);
}

/** The app's own lines. A line that is not of that form is the only app's (fly), or rkt's own. */
async function* appLines(
  entries: AsyncIterable<JournalEntry>,
  { app, apps }: PodLogQuery,
): AsyncGenerator<JournalEntry> {
  for await (const entry of entries) {
    const [, name, text = ""] = consoleLine.exec(entry.message) ?? [];
    if (name !== undefined && apps.includes(name)) {
      if (name === app) yield { ...entry, message: text.replace(/\r$/, "") };
    } else if (apps.length === 1) yield entry;
  }
}

async function* lastOf<T>(items: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  const last: T[] = [];
  for await (const item of items) {
    last.push(item);
    if (last.length > count) last.shift();
  }
  yield* last;
}
