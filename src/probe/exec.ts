// A command in the container as a check (pkg/probe/exec): its exit code is the answer, its output the reason.

import { errorChain } from "../host/error.ts";
import type { RktUuid } from "../pod/names.ts";
import type { CheckResult } from "./check-result.ts";
import type { Limits } from "./deadline.ts";

/**
 * Runs a command in a container with its cgroup, user and capabilities, and kills it at the deadline. Throws where it could not be run:
 * then nothing is known of the container.
 */
export type Enter = (
  uuid: RktUuid,
  app: string,
  command: readonly string[],
  limits: Limits,
) => Promise<Entered>;

export interface Entered {
  /** Undefined: it was killed at the deadline. */
  readonly exitCode: number | undefined;
  readonly output: string;
}

/** The kubelet's. */
const triesMax = 3;

export async function checkExec(
  command: readonly string[],
  run: () => Promise<Entered>,
  signal: AbortSignal,
): Promise<CheckResult> {
  for (let tries = 1; ; tries++) {
    try {
      const { exitCode, output } = await run();
      if (exitCode === 0) return { kind: "success" };
      const message = exitCode === undefined ? `command "${command.join(" ")}" timed out` : output;
      return { kind: "failure", message };
    } catch (error) {
      signal.throwIfAborted();
      if (tries === triesMax) return { kind: "error", message: errorChain(error) };
    }
  }
}
