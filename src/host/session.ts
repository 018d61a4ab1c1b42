// A program that somebody talks to, by pipes or by a terminal.
// Invariant: nothing piles up: input is taken as fast as the program reads, and the program is held back when nobody reads what it writes.

import { closeSync, constants, openSync } from "node:fs";
import { hasErrorCode } from "./error.ts";
import { HeldQueue } from "./held-queue.ts";
import { holdTerminalOutput } from "./libc.ts";
import { killGroup } from "./process-group.ts";

export interface SessionOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Else it reads nothing. */
  readonly hasInput: boolean;
  readonly isTerminal: boolean;
}

export interface Session {
  /** Resolves once more is taken; at once when the program has ended. */
  write(bytes: Uint8Array): Promise<void>;
  endInput(): void;
  /** Each to be read once. With a terminal all is output. */
  readonly output: AsyncIterable<Uint8Array>;
  readonly errors: AsyncIterable<Uint8Array>;
  /** 128 and the number where a signal ended it. */
  readonly exitCode: Promise<number>;
  /** Nothing without a terminal. */
  resize(columns: number, rows: number): void;
  /** Ends it and what it has started. */
  kill(): void;
}

/** What has been told to end has so long for it. */
const killDelayMs = 3000;
/** Where others hold the other end when the program has ended, nothing more is waited for longer than this. */
const drainMs = 300;

/** Throws what keeps the program from being started. */
export function startSession(argv: readonly string[], options: SessionOptions): Session {
  return options.isTerminal ? terminalSession(argv, options) : pipeSession(argv, options);
}

function pipeSession(argv: readonly string[], { env, hasInput }: SessionOptions): Session {
  const child = Bun.spawn([...argv], {
    env: { ...env },
    stdin: hasInput ? "pipe" : "ignore",
    stdout: "pipe",
    stderr: "pipe",
    detached: true, // a process group of its own, for kill()
  });
  const { stdin, exited } = child;
  return {
    async write(bytes) {
      try {
        await stdin?.write(bytes);
        await stdin?.flush();
      } catch (error) {
        if (!hasErrorCode(error, "EPIPE", "ECONNRESET")) throw error; // it has closed its input, or ended
      }
    },
    endInput: () => void Promise.resolve(stdin?.end()).catch(() => undefined),
    output: untilQuiet(child.stdout, exited),
    errors: untilQuiet(child.stderr, exited),
    exitCode: exited,
    resize: () => undefined,
    kill: () => end(child, "SIGTERM"),
  };
}

/** Control-D, at the beginning of a line. */
const endOfInput = "\x04";

function terminalSession(argv: readonly string[], { env, hasInput }: SessionOptions): Session {
  const queue = new HeldQueue((isHeld) => {
    if (held !== undefined) holdTerminalOutput(held, isHeld);
  });
  let taken = Promise.withResolvers<void>();
  const child = Bun.spawn([...argv], {
    env: { ...env },
    terminal: {
      data: (_terminal, bytes) => queue.push(bytes),
      drain: () => taken.resolve(),
      exit: () => queue.end(),
    },
  });
  const terminal = child.terminal as Bun.Terminal; // as it was asked for
  // At once, while it is still ours that runs, and not what it becomes.
  const held = openTerminalOf(child.pid);
  const exitCode = child.exited.then((code) => {
    queue.release();
    taken.resolve();
    if (held !== undefined) closeSync(held); // once everybody has, the rest of the output comes and its end
    setTimeout(() => {
      terminal.close();
      queue.end();
    }, drainMs);
    return code;
  });
  return {
    async write(bytes) {
      if (!hasInput || terminal.closed) return;
      taken = Promise.withResolvers();
      terminal.write(bytes);
      await taken.promise;
    },
    endInput() {
      if (!terminal.closed) terminal.write(endOfInput);
    },
    output: queue,
    errors: noBytes(),
    exitCode,
    resize(columns, rows) {
      if (!terminal.closed) terminal.resize(columns, rows);
    },
    kill() {
      queue.release();
      end(child, "SIGHUP");
    },
  };
}

/** Undefined where it has ended already. */
function openTerminalOf(pid: number): number | undefined {
  try {
    return openSync(`/proc/${pid}/fd/0`, constants.O_RDWR | constants.O_NOCTTY);
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

type Child = Pick<Bun.Subprocess, "pid" | "exitCode" | "signalCode" | "exited">;

function end(child: Child, signal: NodeJS.Signals): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  killGroup(child.pid, signal);
  const late = setTimeout(() => killGroup(child.pid, "SIGKILL"), killDelayMs);
  void child.exited.then(() => {
    clearTimeout(late);
    killGroup(child.pid, "SIGKILL"); // those that it has left behind
  });
}

async function* noBytes(): AsyncGenerator<Uint8Array> {}

/** All of a stream; but from `ended` on no longer than something comes. */
async function* untilQuiet(
  stream: ReadableStream<Uint8Array>,
  ended: Promise<unknown>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  let hasEnded = false;
  let isReading = false;
  let quiet: NodeJS.Timeout | undefined;
  const awaitQuiet = () => {
    if (hasEnded && isReading) quiet = setTimeout(() => void reader.cancel(), drainMs);
  };
  void ended.then(() => {
    hasEnded = true;
    awaitQuiet();
  });
  try {
    for (;;) {
      isReading = true;
      awaitQuiet();
      const { value, done } = await reader.read();
      isReading = false;
      clearTimeout(quiet);
      if (done) return;
      yield value;
    }
  } finally {
    void reader.cancel();
  }
}
