// Runs a program whose exit code is an answer and whose first output tells why. Unlike runCommand(), no exit code is an error, what is written
// beyond the limit is dropped, and nothing is left to grace: at the deadline all that it has started is killed.

import { constants } from "node:os";
import { systemTimers } from "./clock.ts";
import { killGroup } from "./process-group.ts";

export interface CaptureOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Of each of standard output and standard error. */
  readonly maxBytes: number;
  /** What ends it at the deadline, followed by SIGKILL; that alone unless told. */
  readonly killSignal?: NodeJS.Signals;
}

export interface Captured {
  /** As a shell has it: 128 and its number for a signal. Undefined: it was killed at the deadline. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const killDelayMs = 2000;
/** What is written is waited for so long after the end, where somebody else still holds the other end of the pipe. */
const drainMs = 100;

/** Runs `argv` without a shell. Throws the signal's reason, or what keeps the program from being started. */
export async function captureCommand(argv: readonly string[], options: CaptureOptions): Promise<Captured> {
  options.signal.throwIfAborted();
  // A process group of its own, for kill().
  const child = Bun.spawn([...argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe", detached: true });
  let killing: NodeJS.Timeout | undefined;
  const kill = () => {
    killGroup(child.pid, options.killSignal ?? "SIGKILL");
    killing ??= setTimeout(() => killGroup(child.pid, "SIGKILL"), killDelayMs);
  };
  let isLate = false;
  const cancelDeadline = systemTimers.after(options.timeoutMs, () => {
    isLate = true;
    kill();
  });
  options.signal.addEventListener("abort", kill, { once: true });
  const outputs = [collect(child.stdout, options.maxBytes), collect(child.stderr, options.maxBytes)] as const;
  try {
    await child.exited;
  } finally {
    cancelDeadline();
    clearTimeout(killing);
    options.signal.removeEventListener("abort", kill);
  }
  const drained = setTimeout(() => outputs.forEach((output) => void output.cancel()), drainMs);
  const [stdout, stderr] = await Promise.all(outputs.map(({ text }) => text));
  clearTimeout(drained);
  options.signal.throwIfAborted();
  const exitCode = child.exitCode ?? 128 + signalNumber(child.signalCode);
  return { exitCode: isLate ? undefined : exitCode, stdout: stdout ?? "", stderr: stderr ?? "" };
}

function signalNumber(signal: NodeJS.Signals | number | null): number {
  return typeof signal === "string" ? constants.signals[signal] : (signal ?? 0);
}

/** Reads to the end, or until it is canceled, and keeps the beginning. */
function collect(stream: ReadableStream<Uint8Array>, maxBytes: number) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const read = async () => {
    let left = maxBytes;
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return text + decoder.decode();
      text += decoder.decode(value.subarray(0, left), { stream: true });
      left -= Math.min(left, value.length);
    }
  };
  return { text: read(), cancel: () => reader.cancel() };
}
