// The end of a revision: preStop hooks, then systemd's stop, then SIGKILL; all within one grace period.
// Invariant: why it is stopped is on the disk before anything is done, so that however we end the next agent knows.

import { type Clock, systemTimers } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import type { RecordEvent } from "../pod/event.ts";
import { graceSecondsMin } from "../pod/grace.ts";
import { appUnitName, podUnitName } from "../pod/names.ts";
import type { Revision } from "../pod/observed-pod.ts";
import { RuntimeError, type Stop } from "../reconcile/runtime.ts";
import type { RktClient } from "../rkt/rkt-client.ts";
import type { Systemd } from "../systemd/systemd.ts";
import { type HookContext, type Hooks, runHooks } from "./hooks.ts";
import type { Observer } from "./observe.ts";
import type { PodDirectories } from "./pod-directory.ts";

/** How much longer than its grace period a stop may take: two units one after the other, each killed at the end. */
const stopMarginMs = 30_000;
/** Where the unit file, which says it, is gone: systemd's own default. */
const graceSecondsUnknown = 90;

export interface StopParts extends HookContext {
  readonly rkt: Pick<RktClient, "stop" | "status">;
  readonly systemd: Pick<Systemd, "stopUnit" | "killUnit">;
  readonly observer: Pick<Observer, "podUnit">;
  readonly directories: PodDirectories;
  readonly isBuiltin: boolean;
  readonly record: RecordEvent;
  readonly clock: Clock;
  readonly log: Log;
}

/** Throws RuntimeError (FailedKillPod). */
export async function stopRevision(
  revision: Revision,
  { cause, graceSeconds }: Stop,
  parts: StopParts,
  signal: AbortSignal,
): Promise<void> {
  const { uuid, podUid } = revision;
  const { directories, clock } = parts;
  const unitGraceMs = (parts.observer.podUnit(uuid)?.graceSeconds ?? graceSecondsUnknown) * 1000;
  // The unit's own is what systemd gives it at most.
  const graceMs = Math.min(unitGraceMs, (graceSeconds ?? Number.POSITIVE_INFINITY) * 1000);
  const hooks = await preStopHooks(revision, directories);
  // A pod can be stopped on a full disk too: the marker is for a Pod that is wanted again.
  await directories.markStop(podUid, uuid, { cause, hasHooks: hooks.size > 0 }).catch(() => undefined);
  const startedMs = clock.nowMs();
  await runPreStop(revision, hooks, parts, { timeoutMs: graceMs, signal });
  // The kubelet's least, whatever the hooks have used.
  const leftMs = Math.max(graceSecondsMin * 1000, graceMs - (clock.nowMs() - startedMs));
  await endUnit(revision, { unitGraceMs, leftMs }, parts, signal);
  if (cause?.reason === "Evicted") await giveRoom(revision, parts);
}

/** What is evicted loses what it has gathered, as with Kubernetes, where the pod is deleted: it may be what is to be freed. */
async function giveRoom({ key, podUid }: Revision, { directories, log }: StopParts): Promise<void> {
  await directories.clearEmptyDirs(podUid).catch((error: unknown) => {
    log.warn("Cannot clear the volumes of an evicted pod", { pod: key, error: errorChain(error) });
  });
}

/** Of the containers that run; none where systemd ends it already. */
async function preStopHooks(
  { uuid, podUid, state, apps }: Revision,
  directories: PodDirectories,
): Promise<Hooks> {
  if (state.kind !== "running") return new Map();
  const ended = apps.filter((app) => app.state.kind === "exited").map(({ name }) => name);
  const record = await directories.record(podUid, uuid);
  return new Map(Object.entries(record?.preStop ?? {}).filter(([name]) => !ended.includes(name)));
}

async function runPreStop(
  revision: Revision,
  hooks: Hooks,
  parts: StopParts,
  limits: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { uuid, key, podUid } = revision;
  const isHostNetwork = parts.observer.podUnit(uuid)?.pod.hostNetwork ?? false;
  try {
    for (const { container, message } of await runHooks(
      hooks,
      { ...revision, isHostNetwork },
      parts,
      limits,
    )) {
      parts.log.warn("preStop hook failed", { pod: key, container, error: message });
      const object = { kind: "Pod", key, uid: podUid, container } as const;
      parts.record({ object, type: "Warning", reason: "FailedPreStopHook", message: "PreStopHook failed" });
    }
  } catch (error) {
    // We are being ended ourselves, and the revision runs on.
    await parts.directories.unmarkStop(podUid, uuid).catch(() => undefined);
    throw error;
  }
}

async function endUnit(
  { uuid, apps }: Revision,
  { unitGraceMs, leftMs }: { readonly unitGraceMs: number; readonly leftMs: number },
  { systemd, rkt, observer, isBuiltin, log }: StopParts,
  signal: AbortSignal,
): Promise<void> {
  const unit = podUnitName(uuid);
  // The engine's pod unit has yet to see to the network when its apps have ended.
  const killed = isBuiltin ? apps.map(({ name }) => appUnitName(uuid, name)) : [unit];
  const kill = () => {
    for (const name of killed)
      systemd
        .killUnit(name, signal)
        .catch((error: unknown) => log.debug("not killed", { unit: name, error: errorChain(error) }));
  };
  const cancelKill = leftMs < unitGraceMs ? systemTimers.after(leftMs, kill) : undefined;
  try {
    // Also without its file a unit may be there.
    await systemd.stopUnit(unit, { timeoutMs: 2 * unitGraceMs + stopMarginMs, signal });
    if (observer.podUnit(uuid) === undefined) await rkt.stop(uuid, { force: false }, signal);
  } catch (error) {
    throw new RuntimeError("FailedKillPod", `Cannot stop rkt pod ${uuid}: ${errorChain(error)}`);
  } finally {
    cancelKill?.();
  }
}
