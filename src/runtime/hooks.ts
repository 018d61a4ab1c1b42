// Hooks of containers (pkg/kubelet/lifecycle): those of one revision together, each for itself.

import { errorChain } from "../host/error.ts";
import type { HookHandler } from "../pod/handler.ts";
import type { RktUuid } from "../pod/names.ts";
import type { Revision } from "../pod/observed-pod.ts";
import type { Container } from "../pod/pod.ts";

/** Runs one in, or against, a container; resolves with why it failed, one line, or undefined. Throws only the reason of the signal. */
export type RunHook = (
  handler: HookHandler,
  target: HookTarget,
  limits: HookLimits,
) => Promise<string | undefined>;

export interface HookTarget {
  readonly uuid: RktUuid;
  readonly container: string;
  /** The pod's own, or the machine's. */
  readonly address: string;
}

export interface HookLimits {
  /** Then it is ended, and has failed. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** By container. */
export type Hooks = ReadonlyMap<string, HookHandler>;

export function hooksOf(containers: readonly Container[], kind: "postStart" | "preStop"): Hooks {
  return new Map(
    containers.flatMap((container) => {
      const hook = container[kind];
      return hook === undefined ? [] : [[container.name, hook] as const];
    }),
  );
}

export interface HookFailure {
  readonly container: string;
  /** In the kubelet's words, without what a server or command has said: that may be secret, and this becomes an event. */
  readonly message: string;
}

export interface HookContext {
  readonly runHook: RunHook;
  readonly hostIP: () => string;
}

/** All at once; resolves when the last has ended. */
export async function runHooks(
  hooks: Hooks,
  { uuid, podIP, key }: Pick<Revision, "uuid" | "podIP" | "key">,
  { runHook, hostIP }: HookContext,
  limits: HookLimits,
): Promise<readonly HookFailure[]> {
  const run = async ([container, handler]: [string, HookHandler]): Promise<HookFailure[]> => {
    const target = { uuid, container, address: podIP || hostIP() };
    const problem = await runHook(handler, target, limits).catch((error: unknown) => {
      limits.signal.throwIfAborted();
      return errorChain(error);
    });
    if (problem === undefined) return [];
    const message = `${describe(handler)} for Container "${container}" in Pod "${key}" failed - error: ${problem}`;
    return [{ container, message }];
  };
  return (await Promise.all([...hooks].map(run))).flat();
}

function describe(handler: HookHandler): string {
  switch (handler.kind) {
    case "exec":
      return `Exec lifecycle hook ([${handler.command.join(" ")}])`;
    case "httpGet":
      return `HTTP lifecycle hook (${handler.path})`;
    case "tcpSocket":
      return `TCP lifecycle hook (${handler.port})`;
    case "sleep":
      return `Sleep lifecycle hook (${handler.seconds})`;
    default:
      return handler satisfies never;
  }
}
