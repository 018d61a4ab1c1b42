// What units wrote, by journalctl(1).
// Invariant: a reader that leaves, by its signal or by ending its loop, leaves no journalctl behind; one that is slow slows journalctl down.

import { setTimeout } from "node:timers/promises";
import { runCommand } from "../host/command.ts";
import type { UnitName } from "../pod/names.ts";
import { ExportReader, exportedFields, type JournalEntry } from "./export-format.ts";

/** What the processes of units wrote, and those of all units in a slice, and that journald has dropped some of it. */
export interface JournalMatch {
  readonly units: readonly UnitName[];
  /** Of a process that ends at once journald may know the unit and not the slice. */
  readonly slice?: UnitName;
}

/** Undefined: from the first entry there is. */
export type JournalStart =
  | { readonly kind: "after"; readonly cursor: string }
  /** Microseconds since the epoch. */
  | { readonly kind: "since"; readonly realtimeUs: number }
  /** At least one. */
  | { readonly kind: "tail"; readonly lines: number }
  | undefined;

/** journalctl could not be run or failed. */
export class JournalError extends Error {
  override readonly name = "JournalError";
  readonly exitCode: number | undefined;
  readonly stderr: string;
  constructor(message: string, fields: Pick<JournalError, "exitCode" | "stderr">, cause?: unknown) {
    super(message, { cause });
    this.exitCode = fields.exitCode;
    this.stderr = fields.stderr;
  }
}

export type Batches = AsyncGenerator<readonly JournalEntry[], void, undefined>;

/** What is there now, oldest first. An abort ends it without an error. */
export function readJournal(match: JournalMatch, start: JournalStart, signal: AbortSignal): Batches {
  return runJournalctl(match, startArgs(start), { signal });
}

/** Doubled as long as nothing comes. */
const pauseMsMin = 500;
const pauseMsMax = 8000;

/** What comes after an entry, or, where there is none yet, from the first on; until `signal` is aborted. */
export async function* followJournal(
  match: JournalMatch,
  after: string | undefined,
  signal: AbortSignal,
): Batches {
  let cursor = after;
  // Where no inotify instance is left, journalctl prints what there is and ends as if that had been asked for.
  for (let pauseMs = pauseMsMin; !signal.aborted; pauseMs = Math.min(2 * pauseMs, pauseMsMax)) {
    const start = startArgs(cursor === undefined ? undefined : { kind: "after", cursor });
    // `--follow` with `--lines` loses what comes right after its start where nothing was there before (systemd 252 and 257).
    for await (const entries of runJournalctl(match, ["--follow", "--no-tail", ...start], { signal })) {
      cursor = entries.at(-1)?.cursor;
      pauseMs = pauseMsMin;
      yield entries;
    }
    await setTimeout(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Undefined: there is no entry yet. */
export async function lastCursor(match: JournalMatch, signal: AbortSignal): Promise<string | undefined> {
  let cursor: string | undefined;
  for await (const entries of readJournal(match, { kind: "tail", lines: 1 }, signal)) {
    cursor = entries.at(-1)?.cursor;
  }
  return cursor;
}

const shortTimeoutMs = 10_000;

/** Resolves once all that was said before can be read. Before systemd 228 there is nothing to wait for that. */
export async function syncJournal(signal: AbortSignal): Promise<void> {
  await runCommand(["journalctl", "--sync"], { timeoutMs: shortTimeoutMs, signal }).catch(() => undefined);
}

/** The last lines that a unit wrote, oldest first. */
export async function lastMessages(
  unit: UnitName,
  count: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const messages: string[] = [];
  const options = { signal, timeoutMs: shortTimeoutMs };
  const last = startArgs({ kind: "tail", lines: count });
  for await (const entries of runJournalctl({ units: [unit] }, last, options))
    messages.push(...entries.map(({ message }) => message));
  return messages;
}

function startArgs(start: JournalStart): readonly string[] {
  switch (start?.kind) {
    case undefined:
      return [];
    case "after":
      return [`--after-cursor=${start.cursor}`];
    case "since":
      return [`--since=@${(start.realtimeUs / 1_000_000).toFixed(6)}`];
    case "tail":
      return [`--lines=${start.lines}`];
    default:
      return start satisfies never;
  }
}

/** SD_MESSAGE_JOURNAL_DROPPED (sd-messages.h), which only journald itself can say. */
const dropped = ["MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e", "_TRANSPORT=driver"];

function matchArgs({ units, slice }: JournalMatch): readonly string[] {
  const places = units.map((unit) => `SYSTEMD_UNIT=${unit}`);
  if (slice !== undefined) places.push(`SYSTEMD_SLICE=${slice}`);
  return places.flatMap((place, at) => [
    ...(at === 0 ? [] : ["+"]),
    `_${place}`,
    ...["+", `OBJECT_${place}`, ...dropped],
  ]);
}

async function* runJournalctl(
  match: JournalMatch,
  range: readonly string[],
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs?: number },
): Batches {
  if (signal.aborted) return;
  const format = ["--output=export", `--output-fields=${exportedFields}`, "--all", "--quiet", "--no-pager"];
  const journalctl = spawnJournalctl(["journalctl", ...format, ...range, ...matchArgs(match)], timeoutMs);
  const kill = () => journalctl.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  const stderr = new Response(journalctl.stderr).text();
  const reader = new ExportReader();
  try {
    for await (const chunk of journalctl.stdout) {
      if (signal.aborted) return;
      const entries = reader.read(chunk);
      if (entries.length > 0) yield entries;
    }
    const exitCode = await journalctl.exited;
    if (exitCode === 0 || signal.aborted) return;
    const text = (await stderr).trim();
    throw new JournalError(`Cannot read the journal: ${text || `exit code ${exitCode}`}`, {
      exitCode,
      stderr: text,
    });
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
    await journalctl.exited;
  }
}

function spawnJournalctl(argv: string[], timeoutMs: number | undefined) {
  const io = { stdin: "ignore", stdout: "pipe", stderr: "pipe", killSignal: "SIGKILL" } as const;
  try {
    return Bun.spawn(argv, { ...io, ...(timeoutMs !== undefined && { timeout: timeoutMs }) });
  } catch (error) {
    throw new JournalError("Cannot run journalctl", { exitCode: undefined, stderr: "" }, error);
  }
}
