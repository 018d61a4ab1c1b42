// Where a container's lines are: its own unit's with the built-in engine; the pod unit's with a real rkt, whose stage1
// passes all apps through one console. Invariant: only the journal is read, never a file that a pod could write.

import { appUnitName, podUnitName, type RktUuid } from "../pod/names.ts";
import type { Revision } from "../pod/observed-pod.ts";
import type { LogLine, PodLog, PodLogQuery } from "../pod/pod-log.ts";
import { type JournalEntry, readJournal } from "../systemd/journal.ts";

/** Who knows a Pod's containers, and which revision is current: the status. */
export interface LoggedPods {
  get(namespace: string, name: string): LoggedPod | undefined;
  revisionsOf(
    namespace: string,
    name: string,
  ): { readonly current: Revision | undefined; readonly previous: Revision | undefined } | undefined;
}

export interface LoggedPod {
  readonly spec?: { readonly containers: readonly { readonly name: string }[] };
  readonly status?: {
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly state?: { readonly waiting?: { readonly reason?: string } };
    }[];
  };
}

export class PodLogs {
  readonly #status: LoggedPods;
  readonly #isBuiltin: boolean;

  constructor({ status, isBuiltin }: { readonly status: LoggedPods; readonly isBuiltin: boolean }) {
    this.#status = status;
    this.#isBuiltin = isBuiltin;
  }

  open(query: PodLogQuery): PodLog {
    const pod = this.#status.get(query.namespace, query.name);
    if (pod === undefined) return { kind: "podNotFound" };
    const containers = (pod.spec?.containers ?? []).map(({ name }) => name);
    const container = query.container ?? (containers.length === 1 ? containers[0] : undefined);
    if (container === undefined) return { kind: "containerRequired", containers };
    const revisions = this.#status.revisionsOf(query.namespace, query.name);
    const revision = query.previous ? revisions?.previous : revisions?.current;
    const apps = revision?.apps.map(({ name }) => name) ?? [];
    if (!containers.includes(container) && !apps.includes(container)) {
      return { kind: "containerNotFound", containers };
    }
    if (revision === undefined) {
      return query.previous
        ? { kind: "noPrevious" }
        : { kind: "notStarted", reason: waitingReason(pod, container) };
    }
    const source = { uuid: revision.uuid, app: container, apps, range: query };
    return { kind: "stream", entries: toLines(logEntries(source, this.#isBuiltin)) };
  }
}

interface LogOfApp {
  readonly uuid: RktUuid;
  readonly app: string;
  /** All of the pod. */
  readonly apps: readonly string[];
  readonly range: Pick<PodLogQuery, "follow" | "tailLines" | "sinceMs" | "signal">;
}

/** What an app wrote, oldest first; a long line in parts, as journald has it. */
export function logEntries(source: LogOfApp, isBuiltin: boolean): AsyncIterable<JournalEntry> {
  return isBuiltin ? appUnitEntries(source) : consoleEntries(source);
}

function waitingReason({ status }: LoggedPod, container: string): string {
  const state = status?.containerStatuses?.find(({ name }) => name === container)?.state;
  return state?.waiting?.reason ?? "ContainerCreating";
}

function appUnitEntries({ uuid, app, range }: LogOfApp): AsyncIterable<JournalEntry> {
  return readJournal({ ...range, unit: appUnitName(uuid, app) });
}

async function* consoleEntries(source: LogOfApp): AsyncGenerator<JournalEntry> {
  const unit = podUnitName(source.uuid);
  const { tailLines, follow, sinceMs, signal } = source.range;
  if (!tailLines) {
    yield* appEntries(readJournal({ unit, follow, tailLines, sinceMs, signal }), source);
    return;
  }
  // Which lines are the app's is known only once they are read, so the tail is cut here.
  const last: JournalEntry[] = [];
  for await (const entry of appEntries(readJournal({ unit, follow: false, sinceMs, signal }), source)) {
    last.push(entry);
    if (last.length > tailLines) last.shift();
  }
  yield* last;
  if (!follow) return;
  // From the last one on: of what has its very microsecond, only the cursor tells what was told already.
  const end = last.at(-1);
  let isNew = end === undefined;
  const fromMs = end === undefined ? sinceMs : Number(end.realtimeUs / 1000n);
  for await (const entry of appEntries(readJournal({ unit, follow, sinceMs: fromMs, signal }), source)) {
    if (isNew) yield entry;
    else isNew = entry.cursor === end?.cursor;
  }
}

/** `[ 2944.613393] main[12]: text`: systemd in the pod writes to the console so (rkt 1.30 with the host or coreos stage1). */
const consoleLine = /^\[ *\d+\.\d+\] ([a-z0-9-]+)\[\d+\]: (.*)$/s;

/** The app's own lines. One that is not of that form is the only app's (fly), else rkt's own. */
async function* appEntries(
  entries: AsyncIterable<JournalEntry>,
  { app, apps }: LogOfApp,
): AsyncGenerator<JournalEntry> {
  for await (const entry of entries) {
    const [, name, text = ""] = consoleLine.exec(entry.message) ?? [];
    if (name !== undefined && apps.includes(name)) {
      if (name === app) yield { ...entry, message: text.replace(/\r$/, "") };
    } else if (apps.length === 1) yield entry;
  }
}

/** journald cuts a line after 48 KiB; this is how much of one is put together again. */
const lineLengthMax = 1024 * 1024;

async function* toLines(entries: AsyncIterable<JournalEntry>): AsyncGenerator<LogLine> {
  let begun: LogLine | undefined;
  for await (const { message, realtimeUs, isPartial } of entries) {
    const line = { message: `${begun?.message ?? ""}${message}`, timestampUs: realtimeUs };
    begun = isPartial && line.message.length < lineLengthMax ? line : undefined;
    if (begun === undefined) yield line;
  }
  if (begun !== undefined) yield begun; // the app ended within it
}
