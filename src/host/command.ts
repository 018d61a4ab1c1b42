// Runs a program to its end. The only user of execa; streams that have no end (logs) use Bun.spawn where they are read.

import { hasErrorCode } from "./error.ts";
import { faultPoint } from "./fault-point.ts";

export interface CommandOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Given on standard input; else that is empty. */
  readonly input?: string;
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** More output than this is an error; 64 MiB unless told. */
  readonly maxBytes?: number;
  /** Is given each line of standard error as it is written; what it takes (true) is not in the output. */
  readonly takeStderrLine?: (line: string) => boolean;
}

export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that could not be run, was ended, or exited non-zero. Branch on the fields, never on the text. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly argv: readonly string[];
  /** Undefined when it did not exit by itself. */
  readonly exitCode: number | undefined;
  /** `SIGKILL`, where a signal ended it. */
  readonly signal: string | undefined;
  readonly isTimeout: boolean;
  readonly isCanceled: boolean;
  readonly isNotFound: boolean;
  readonly stdout: string;
  readonly stderr: string;

  constructor(fields: Omit<CommandError, "name" | "message" | "stack" | "cause">, cause?: unknown) {
    super(commandMessage(fields), { cause });
    this.argv = fields.argv;
    this.exitCode = fields.exitCode;
    this.signal = fields.signal;
    this.isTimeout = fields.isTimeout;
    this.isCanceled = fields.isCanceled;
    this.isNotFound = fields.isNotFound;
    this.stdout = fields.stdout;
    this.stderr = fields.stderr;
  }
}

const killDelayMs = 2000;

/** Runs `argv` (no shell) and returns its output; throws CommandError unless it exits 0. */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandOutput> {
  const { execa } = await import("execa"); // 19 ms to load: not for commands that start nothing
  const [program = "", ...args] = argv;
  const { takeStderrLine } = options;
  const start = () =>
    execa(program, args, {
      reject: false,
      detached: true, // a process group of its own, for terminateGroup()
      timeout: options.timeoutMs,
      forceKillAfterDelay: killDelayMs,
      maxBuffer: options.maxBytes ?? 64 * 1024 * 1024,
      stripFinalNewline: false,
      ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
      ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(takeStderrLine && {
        *stderr(line: unknown) {
          if (!takeStderrLine(String(line))) yield line;
        },
      }),
    });
  const running = startOr(start, argv);
  using _terminator = terminateGroup(running.pid, options);
  if (process.env.FAULT_POINTS) faultPoint(`started ${argv.join(" ")}`);
  const result = await running;
  if (process.env.FAULT_POINTS) faultPoint(`ended ${argv.join(" ")}`);
  if (!result.failed) return { stdout: result.stdout, stderr: result.stderr };
  throw new CommandError(
    {
      argv,
      exitCode: result.exitCode,
      signal: result.signal,
      isTimeout: result.timedOut,
      isCanceled: result.isCanceled,
      isNotFound: result.code === "ENOENT",
      stdout: result.stdout ?? "",
      stderr: result.stderr ?? "",
    },
    result.exitCode === undefined && result.signal === undefined ? result.cause : undefined,
  );
}

/** Where no child can be made execa 10 stumbles, on Bun, before it can tell why. */
function startOr<T>(start: () => T, argv: readonly string[]): T {
  try {
    return start();
  } catch {
    const fields = { argv, exitCode: undefined, signal: undefined, stdout: "", stderr: "" };
    const cause = new Error("no open files or processes are left");
    throw new CommandError({ ...fields, isTimeout: false, isCanceled: false, isNotFound: false }, cause);
  }
}

/**
 * Ends, at the deadline or the signal, all that the program has started: execa ends only the program itself, and waits for its output
 * for as long as anybody holds the other end of the pipe.
 */
function terminateGroup(pid: number | undefined, { timeoutMs, signal }: CommandOptions): Disposable {
  const timers: NodeJS.Timeout[] = [];
  const kill = (how: NodeJS.Signals) => {
    try {
      if (pid !== undefined) process.kill(-pid, how);
    } catch (error) {
      if (!hasErrorCode(error, "ESRCH", "EPERM")) throw error; // nobody is left, or it has become somebody else
    }
  };
  const terminate = () => {
    kill("SIGTERM");
    timers.push(setTimeout(() => kill("SIGKILL"), killDelayMs));
  };
  timers.push(setTimeout(terminate, timeoutMs));
  signal?.addEventListener("abort", terminate, { once: true });
  return {
    [Symbol.dispose]() {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener("abort", terminate);
    },
  };
}

function commandMessage(
  fields: Pick<
    CommandError,
    "argv" | "exitCode" | "signal" | "isTimeout" | "isCanceled" | "isNotFound" | "stderr"
  >,
): string {
  const program = fields.argv[0]?.split("/").at(-1) ?? "";
  if (fields.isNotFound) return `${fields.argv[0]}: no such program`;
  if (fields.isTimeout) return `${program}: did not end in time`;
  if (fields.isCanceled) return `${program}: canceled`;
  const tail = fields.stderr.trimEnd().split("\n").slice(-3).join("; ").slice(-500);
  const how =
    fields.exitCode !== undefined ? `exit code ${fields.exitCode}` : (fields.signal ?? "could not be run");
  return tail === "" ? `${program}: ${how}` : `${how}: ${tail}`;
}
