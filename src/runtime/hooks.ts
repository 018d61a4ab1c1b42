// Hooks of containers (pkg/kubelet/lifecycle): those of one revision together, each for itself.

import { errorChain } from "../host/error.ts";
import type { HookHandler } from "../pod/handler.ts";
import type { RktUuid } from "../pod/names.ts";
import type { Revision } from "../pod/observed-pod.ts";
import type { Container } from "../pod/pod.ts";
import type { RktClient } from "../rkt/rkt-client.ts";
import { ipOf } from "../rkt/rkt-pod.ts";

/** Runs one in, or against, a container; resolves with why it failed, one line, or undefined. Throws only the reason of the signal. */
export type RunHook = (
  handler: HookHandler,
  target: HookTarget,
  limits: HookLimits,
) => Promise<string | undefined>;

export interface HookTarget {
  readonly uuid: RktUuid;
  readonly container: string;
  /** The pod's own, or the machine's; empty where the hook asks none of the two. */
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
  readonly rkt: Pick<RktClient, "status">;
}

export interface HookedRevision extends Pick<Revision, "uuid" | "podIP" | "key"> {
  readonly isHostNetwork: boolean;
}

/** All at once; resolves when the last has ended. */
export async function runHooks(
  hooks: Hooks,
  revision: HookedRevision,
  context: HookContext,
  limits: HookLimits,
): Promise<readonly HookFailure[]> {
  const { uuid, key } = revision;
  const run = async ([container, handler]: [string, HookHandler]): Promise<HookFailure[]> => {
    const runIt = async () => {
      const address = isOfPod(handler) ? await addressOf(revision, context, limits.signal) : "";
      return context.runHook(handler, { uuid, container, address }, limits);
    };
    const problem = await runIt().catch((error: unknown) => {
      limits.signal.throwIfAborted();
      return errorChain(error);
    });
    if (problem === undefined) return [];
    const message = `${describe(handler)} for Container "${container}" in Pod "${key}" failed - error: ${problem}`;
    return [{ container, message }];
  };
  return (await Promise.all([...hooks].map(run))).flat();
}

/** Whether it asks a server at the pod's address. */
function isOfPod(handler: HookHandler): boolean {
  return (handler.kind === "httpGet" || handler.kind === "tcpSocket") && handler.host === "";
}

/** A look may have come before the pod's network did; the machine's own servers are not to be asked in its stead. */
async function addressOf(
  { uuid, podIP, isHostNetwork }: HookedRevision,
  { hostIP, rkt }: HookContext,
  signal: AbortSignal,
): Promise<string> {
  if (isHostNetwork) return hostIP();
  const address = podIP || ipOf(await rkt.status(uuid, signal));
  if (address === "") throw new Error("the pod has no address");
  return address;
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
