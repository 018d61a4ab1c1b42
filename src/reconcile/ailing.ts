// What runs as written and has to be stopped for a fault of its own, each with its cause. Pure.

import type { HealthByRevision, Unhealthy } from "../pod/health.ts";
import { type Failure, isLive, type Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { containerHealth } from "../pod/readiness.ts";
import { containersOf } from "../pod/stage.ts";
import { type ActionOf, actionId } from "./action.ts";
import { stopOrder } from "./order.ts";
import type { World } from "./world.ts";

export interface Ailment {
  /** In the order in which they are to be stopped. */
  readonly revisions: readonly Revision[];
  readonly cause: Failure;
  /** Undefined: the pod's own. */
  readonly graceSeconds: number | undefined;
}

type Known = Pick<World, "failures" | "health">;

/** `running` as written; `revisions` are all of the Pod's key. */
export function ailmentsOf(
  pod: Pod,
  running: readonly Revision[],
  { revisions, world }: { readonly revisions: readonly Revision[]; readonly world: Known },
): readonly Ailment[] {
  const live = new Set(revisions.filter(isLive).map(({ uuid }) => uuid));
  const ownerless = running.filter(({ networkOf }) => networkOf !== undefined && !live.has(networkOf));
  const single = stopOrder(running, pod.spec).flatMap((revision): readonly Ailment[] => {
    const hook = world.failures.get(actionId(postStartOf(pod, revision)))?.failure;
    if (hook?.reason === "FailedPostStartHook")
      return [{ revisions: [revision], cause: hook, graceSeconds: undefined }];
    const told = unhealthyOf(pod, revision, world.health);
    return told ? [{ revisions: [revision], ...told }] : [];
  });
  if (ownerless.length === 0) return single;
  return [
    { revisions: stopOrder(ownerless, pod.spec), cause: sandboxChanged, graceSeconds: undefined },
    ...single,
  ];
}

const sandboxChanged: Failure = {
  reason: "SandboxChanged",
  message: "the container whose network it shared has ended",
};

function unhealthyOf(
  pod: Pod,
  revision: Revision,
  health: HealthByRevision,
): Pick<Ailment, "cause" | "graceSeconds"> | undefined {
  for (const container of containersOf(pod.spec, revision.stage)) {
    const told: Unhealthy | undefined = containerHealth(container, revision, health).unhealthy;
    if (told === undefined) continue;
    const message = `container ${container.name}: ${told.message}`;
    return { cause: { reason: "Unhealthy", message }, graceSeconds: told.graceSeconds };
  }
  return undefined;
}

export function postStartOf(pod: Pod, revision: Revision): ActionOf<"postStart"> {
  return { kind: "postStart", key: revision.key, pod, revision, reason: "started" };
}
