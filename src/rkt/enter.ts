// A command that is run in an app by `rkt enter`. Invariant: what rkt itself could not do is never taken for the command's own failure.

import { captureCommand } from "../host/capture.ts";
import { CommandError } from "../host/command.ts";
import type { Argv } from "./command-line.ts";

export interface EnterOptions {
  /** At its end the command is killed. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** SIGKILL unless told. */
  readonly killSignal?: NodeJS.Signals;
}

export interface Entered {
  /** The command's own; undefined: it was killed at the deadline. */
  readonly exitCode: number | undefined;
  /** The beginning of what it wrote, standard output first. */
  readonly output: string;
}

/** The kubelet's (pkg/probe/exec): what is beyond is dropped. */
const outputBytesMax = 10 * 1024;

/** `argv` as RktClient.enterArgv() makes it. */
export async function runEntered(argv: Argv, options: EnterOptions): Promise<Entered> {
  const captured = await captureCommand(argv, { ...options, maxBytes: outputBytesMax });
  const { exitCode, stdout, stderr } = captured;
  // By who runs it outside (host/outside.ts), or by rkt. Of a command that is not there stage1-fly says it in these words; host and the built-in engine exit with 1.
  if (exitCode === 254 && /^outside: |^(?:fly-)?enter: (?!exec failed)/m.test(stderr)) {
    const how = { signal: undefined, isTimeout: false, isCanceled: false, isNotFound: false };
    throw new CommandError({ argv, ...how, ...captured });
  }
  return { exitCode, output: `${stdout}${stderr}`.slice(0, outputBytesMax) };
}
