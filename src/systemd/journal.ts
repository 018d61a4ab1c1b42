// What units wrote, by journalctl(1).
// Invariant: a reader that leaves, by its signal or by ending its loop, leaves no journalctl behind; one that is slow slows journalctl down.

import { systemClock } from "../host/clock.ts";
import { runCommand } from "../host/command.ts";
import type { UnitName } from "../pod/names.ts";

export interface JournalQuery {
  readonly unit: UnitName;
  /** Goes on with what is written from now on, until `signal` is aborted. */
  readonly follow: boolean;
  /** At most so many of the entries that are there already; undefined: all. */
  readonly tailLines?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly sinceMs?: number | undefined;
  /** Ends the entries, without an error. */
  readonly signal: AbortSignal;
}

export interface JournalEntry {
  /** A line without its end. What is not UTF-8 in it has become U+FFFD. */
  readonly message: string;
  /** Microseconds since the epoch. */
  readonly realtimeUs: bigint;
  readonly pid: number | undefined;
  /** syslog's, 0 (worst) to 7; 6 for what a unit prints. */
  readonly priority: number;
  /** `stdout` for what a unit prints on stdout and on stderr, `syslog`, `journal` … */
  readonly transport: string;
  readonly cursor: string;
  /** journald cut the line here, after 48 KiB; the next entry goes on with it. */
  readonly isPartial: boolean;
}

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

/** What a unit's processes wrote, oldest first; what systemd says about the unit is not among it. */
export async function* readJournal(query: JournalQuery): AsyncGenerator<JournalEntry, void, undefined> {
  const { unit, follow, tailLines, signal } = query;
  const sinceMs = Math.max(query.sinceMs ?? 0, follow && tailLines === 0 ? systemClock.wallMs() : 0);
  let from = sinceMs === 0 ? [] : [`--since=@${(sinceMs / 1000).toFixed(3)}`];
  if (tailLines) {
    // --lines with --since would be the first ones (systemd 252).
    for await (const entry of runJournalctl(unit, [`--lines=${tailLines}`], signal)) {
      from = [`--after-cursor=${entry.cursor}`];
      if (entry.realtimeUs >= sinceMs * 1000) yield entry;
    }
  }
  // `--follow --lines=N` in one step loses what comes right after its start where nothing was there before (systemd 252 and 257).
  if (follow) yield* runJournalctl(unit, ["--follow", "--no-tail", ...from], signal);
  else if (tailLines === undefined) yield* runJournalctl(unit, from, signal);
}

/** Resolves once all that was said before can be read. Before systemd 228 there is nothing to wait for that. */
export async function syncJournal(signal: AbortSignal): Promise<void> {
  await runCommand(["journalctl", "--sync"], { timeoutMs: lastMessagesTimeoutMs, signal }).catch(
    () => undefined,
  );
}

const lastMessagesTimeoutMs = 10_000;

/** The last lines that a unit wrote, oldest first. */
export async function lastMessages(
  unit: UnitName,
  count: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const messages: string[] = [];
  const options = { timeout: lastMessagesTimeoutMs };
  for await (const { message } of runJournalctl(unit, [`--lines=${count}`], signal, options))
    messages.push(message);
  return messages;
}

async function* runJournalctl(
  unit: UnitName,
  range: readonly string[],
  signal: AbortSignal,
  options: { readonly timeout?: number } = {},
): AsyncGenerator<JournalEntry, void, undefined> {
  if (signal.aborted) return;
  // --all: else a line of more than 4096 bytes is null.
  const fixed = [
    "journalctl",
    "--output=json",
    "--all",
    "--quiet",
    "--no-pager",
    `--output-fields=${fields}`,
  ];
  const journalctl = spawnJournalctl([...fixed, ...range, `_SYSTEMD_UNIT=${unit}`], options);
  const kill = () => journalctl.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  const stderr = new Response(journalctl.stderr).text();
  try {
    for await (const lines of lineBatches(journalctl.stdout)) {
      for (const line of lines) {
        if (signal.aborted) return;
        yield decodeEntry(line);
      }
    }
    const exitCode = await journalctl.exited;
    if (exitCode === 0 || signal.aborted) return;
    const text = (await stderr).trim();
    throw new JournalError(`Cannot read the journal of ${unit}: ${text || `exit code ${exitCode}`}`, {
      exitCode,
      stderr: text,
    });
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
    await journalctl.exited;
  }
}

function spawnJournalctl(argv: string[], options: { readonly timeout?: number }) {
  try {
    return Bun.spawn(argv, {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      killSignal: "SIGKILL",
      ...options,
    });
  } catch (error) {
    throw new JournalError("Cannot run journalctl", { exitCode: undefined, stderr: "" }, error);
  }
}

/** The complete lines of each chunk; what comes after the last newline belongs to a journalctl that was killed. */
async function* lineBatches(stream: ReadableStream<Uint8Array>): AsyncGenerator<string[], void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    const end = chunk.lastIndexOf(10);
    if (end === -1) {
      rest = Buffer.concat([rest, chunk]);
      continue;
    }
    const lines = Buffer.concat([rest, chunk.subarray(0, end)]).toString("utf8");
    rest = Buffer.from(chunk.subarray(end + 1));
    yield lines.split("\n");
  }
}

const fields = "MESSAGE,PRIORITY,_PID,_TRANSPORT,_LINE_BREAK";

/** systemd.journal-fields(7), with values as journalctl writes them. */
interface JsonEntry {
  readonly __REALTIME_TIMESTAMP: string;
  readonly __CURSOR: string;
  readonly MESSAGE?: JsonField;
  readonly PRIORITY?: JsonField;
  readonly _PID?: JsonField;
  readonly _TRANSPORT?: JsonField;
  readonly _LINE_BREAK?: JsonField;
}

/** A text, the bytes of what is none, or several of both where the entry has the field several times. */
type JsonField = string | null | readonly number[] | readonly (string | null | readonly number[])[];

export function decodeEntry(line: string): JournalEntry {
  const entry = JSON.parse(line) as JsonEntry;
  const pid = fieldText(entry._PID);
  const priority = fieldText(entry.PRIORITY);
  return {
    message: fieldText(entry.MESSAGE),
    realtimeUs: BigInt(entry.__REALTIME_TIMESTAMP),
    pid: pid === "" ? undefined : Number(pid),
    priority: priority === "" ? 6 : Number(priority),
    transport: fieldText(entry._TRANSPORT),
    cursor: entry.__CURSOR,
    isPartial: fieldText(entry._LINE_BREAK) === "line-max",
  };
}

function fieldText(field: JsonField | undefined): string {
  if (typeof field === "string") return field;
  if (field === null || field === undefined) return "";
  const [first] = field;
  if (typeof first !== "number") return fieldText(first);
  return Buffer.from(field as readonly number[]).toString("utf8");
}
