// An app's lines among what the journal has: its own unit's with the built-in engine; of the pod unit's with a real rkt, whose stage1
// passes all apps through one console.

import { appUnitName, type PodUid, podSliceName, podUnitName, type RktUuid } from "../pod/names.ts";
import type { LogLine } from "../pod/pod-log.ts";
import type { JournalEntry } from "../systemd/export-format.ts";
import type { JournalMatch } from "../systemd/journal.ts";

export interface AppLog {
  readonly match: JournalMatch;
  /** All that matches is the app's. */
  readonly isExact: boolean;
  /** The entry as the app wrote it; undefined: it is not the app's. */
  select(entry: JournalEntry): JournalEntry | undefined;
}

export interface LoggedApp {
  readonly app: string;
  /** All of the pod. */
  readonly apps: readonly string[];
  readonly isBuiltin: boolean;
}

export function logOfRevision(uuid: RktUuid, { app, apps, isBuiltin }: LoggedApp): AppLog {
  if (isBuiltin) {
    return { match: { units: [appUnitName(uuid, app)] }, isExact: true, select: (entry) => entry };
  }
  const select = (entry: JournalEntry) => ofConsole(entry, app, apps);
  return { match: { units: [podUnitName(uuid)] }, isExact: false, select };
}

/** Of all revisions: those that are still there, and those of which nothing but their log is left. */
export function logOfPod(
  uid: PodUid,
  uuids: readonly RktUuid[],
  { app, apps, isBuiltin }: LoggedApp,
): AppLog {
  const units = uuids.map((uuid) => (isBuiltin ? appUnitName(uuid, app) : podUnitName(uuid)));
  const match = { units, slice: podSliceName(uid) };
  if (!isBuiltin) return { match, isExact: false, select: (entry) => ofConsole(entry, app, apps) };
  const select = (entry: JournalEntry) => (appOfUnit(entry.unit) === app ? entry : undefined);
  return { match, isExact: false, select };
}

const unitName = /^gantry-([0-9a-f-]{36})(?:-(.+))?\.service$/;

function appOfUnit(unit: string): string | undefined {
  return unitName.exec(unit)?.[2];
}

/** `[ 2944.613393] main[12]: text`: systemd in the pod writes to the console so (rkt 1.30 with the host or coreos stage1). */
const consoleLine = /^\[ *\d+\.\d+\] ([a-z0-9-]+)\[\d+\]: (.*)$/s;

/** One that is not of that form is the only app's (fly), else rkt's own. */
function ofConsole(entry: JournalEntry, app: string, apps: readonly string[]): JournalEntry | undefined {
  const [, name, text = ""] = consoleLine.exec(entry.message) ?? [];
  if (name !== undefined && apps.includes(name)) {
    return name === app ? { ...entry, message: text.replace(/\r$/, "") } : undefined;
  }
  return apps.length === 1 || entry.transport === "driver" ? entry : undefined;
}

/** journald cuts a line after 48 KiB; this is how much of one is put together again. */
const lineLengthMax = 1024 * 1024;

/** Puts lines together that journald has cut. */
export async function* toLines(
  batches: AsyncIterable<readonly JournalEntry[]>,
): AsyncGenerator<readonly LogLine[], void, undefined> {
  let begun: JournalEntry | undefined;
  for await (const entries of batches) {
    const lines: LogLine[] = [];
    for (const entry of entries) {
      const whole: JournalEntry = begun ? { ...entry, message: begun.message + entry.message } : entry;
      begun = entry.isPartial && whole.message.length < lineLengthMax ? whole : undefined;
      if (begun === undefined) lines.push(lineOf(whole));
    }
    if (lines.length > 0) yield lines;
  }
  if (begun !== undefined) yield [lineOf(begun)]; // the app ended within it
}

function lineOf({ message, realtimeUs, unit, pid, priority, cursor, transport }: JournalEntry): LogLine {
  const isNotice = transport === "driver";
  return {
    message: isNotice ? notice(message) : message,
    timestampUs: realtimeUs,
    revision: unitName.exec(unit)?.[1] ?? "",
    pid,
    priority,
    cursor,
    isNotice,
  };
}

/** journald says `Suppressed 12 messages from gantry-….service`. */
function notice(message: string): string {
  const count = /\d+/.exec(message)?.[0] ?? "some";
  return `… ${count} messages suppressed: journald's rate limit`;
}
