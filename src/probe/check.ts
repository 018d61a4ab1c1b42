// Runs one handler of a probe once. Invariant: it ends by its deadline, and what it opened or started ends with it.

import type { Timers } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import type { ProbeHandler } from "../pod/handler.ts";
import type { RktUuid } from "../pod/names.ts";
import type { CheckResult } from "./check-result.ts";
import { Deadline, type Limits } from "./deadline.ts";
import { DialError, dial } from "./dial.ts";
import { checkExec, type Enter } from "./exec.ts";
import { grpcHealthProblem } from "./grpc.ts";
import { HttpGetError, httpGet } from "./http-get.ts";

export interface CheckTarget {
  readonly uuid: RktUuid;
  readonly container: string;
  /** The pod's own, or the machine's. */
  readonly address: string;
}

export interface CheckOptions {
  readonly enter: Enter;
  readonly timers: Timers;
  /** Gantry's: what servers see as the User-Agent. */
  readonly version: string;
}

/** Throws only the reason of the signal. */
export type Check = (handler: ProbeHandler, target: CheckTarget, limits: Limits) => Promise<CheckResult>;

export function createCheck({ enter, timers, version }: CheckOptions): Check {
  const userAgent = `gantry-probe/${version}`;
  return async (handler, { uuid, container, address }, limits) => {
    // The command's deadline is kept by who runs it.
    if (handler.kind === "exec") {
      const { command } = handler;
      return checkExec(command, () => enter(uuid, container, command, limits), limits.signal);
    }
    using deadline = new Deadline(limits, timers);
    const { signal } = deadline;
    try {
      switch (handler.kind) {
        case "httpGet":
          return httpResult(await httpGet(handler, { address, userAgent, signal }));
        case "tcpSocket": {
          const place = { host: handler.host || address, port: handler.port };
          using _connection = await dial(place, { signal });
          return { kind: "success" };
        }
        case "grpc": {
          const { service, port } = handler;
          const options = { service, userAgent, timeoutMs: limits.timeoutMs, signal };
          const problem = await grpcHealthProblem({ host: address, port }, options);
          return problem === undefined ? { kind: "success" } : { kind: "failure", message: problem };
        }
        default:
          return handler satisfies never;
      }
    } catch (error) {
      if (error instanceof HttpGetError || error instanceof DialError)
        return { kind: "failure", message: error.message };
      // What a server can do to the libraries is not known in full; it does it to its own probe alone.
      limits.signal.throwIfAborted();
      return { kind: "error", message: errorChain(error) };
    }
  };
}

function httpResult(status: number): CheckResult {
  if (status < 200 || status >= 400)
    return { kind: "failure", message: `HTTP probe failed with statuscode: ${status}` };
  // The kubelet takes a redirect to another host for a success, and says so.
  return status < 300 ? { kind: "success" } : { kind: "warning", message: "Probe terminated redirects" };
}
