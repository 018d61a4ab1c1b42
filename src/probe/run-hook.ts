// Runs one lifecycle hook, by the same means as the probes and by the kubelet's rules (pkg/kubelet/lifecycle): whatever a server answers is
// an answer, a command has to exit with 0. Invariant: what a server or a command has said is not told, for it becomes an event.

import { errorChain } from "../host/error.ts";
import type { HookHandler } from "../pod/handler.ts";
import type { CheckOptions, CheckTarget } from "./check.ts";
import { Deadline, DeadlineError, type Limits } from "./deadline.ts";
import { DialError, dial } from "./dial.ts";
import type { Entered } from "./exec.ts";
import { HttpGetError, httpGet } from "./http-get.ts";

/** Resolves with why it failed, in one line, or undefined. Throws only the reason of the signal. */
export type RunHook = (
  handler: HookHandler,
  target: CheckTarget,
  limits: Limits,
) => Promise<string | undefined>;

export function createRunHook({ enter, timers, version }: CheckOptions): RunHook {
  return async (handler, { uuid, container, address }, limits) => {
    using deadline = new Deadline(limits, timers);
    const { signal } = deadline;
    try {
      switch (handler.kind) {
        case "exec":
          return commandProblem(await enter(uuid, container, handler.command, limits));
        case "httpGet":
          await httpGet(handler, { address, userAgent: `gantry-lifecycle/${version}`, signal });
          return undefined;
        case "tcpSocket": {
          const place = { host: handler.host || address, port: handler.port };
          using _connection = await dial(place, { signal });
          return undefined;
        }
        case "sleep":
          await sleep(handler.seconds * 1000, signal, timers);
          return undefined;
        default:
          return handler satisfies never;
      }
    } catch (error) {
      limits.signal.throwIfAborted();
      if (error instanceof DeadlineError) return "container terminated before sleep hook finished";
      const isTold = error instanceof HttpGetError || error instanceof DialError;
      return isTold ? error.message.replace(quotedAnswer, "$1") : errorChain(error);
    }
  };
}

/** The one message that quotes the server. */
const quotedAnswer = /(malformed HTTP response) .*/s;

function commandProblem({ exitCode }: Entered): string | undefined {
  if (exitCode === undefined) return "command did not end in time";
  return exitCode === 0 ? undefined : `command exited with ${exitCode}`;
}

async function sleep(ms: number, signal: AbortSignal, timers: CheckOptions["timers"]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = timers.after(ms, resolve);
  const giveUp = () => reject(signal.reason);
  signal.addEventListener("abort", giveUp, { once: true });
  await promise.finally(() => {
    cancel();
    signal.removeEventListener("abort", giveUp);
  });
}
