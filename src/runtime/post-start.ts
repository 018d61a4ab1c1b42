// postStart hooks: run once a container runs, and again where we ended before that was written down.

import { setTimeout } from "node:timers/promises";
import { appUnitName, podUnitName } from "../pod/names.ts";
import type { Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { containersOf } from "../pod/stage.ts";
import { RuntimeError } from "../reconcile/runtime.ts";
import type { Systemd } from "../systemd/systemd.ts";
import { type HookContext, type Hooks, hooksOf, runHooks } from "./hooks.ts";
import type { PodDirectories } from "./pod-directory.ts";

/** As the kubelet's exec: as long as it takes. Whoever has another wish stops the pod. */
const timeoutMs = 24 * 3_600_000;
/** A unit is active before its app is the app: what the hooks are to find is waited for, and then they are run all the same. */
const startTries = 100;
const startIntervalMs = 50;

export interface PostStartParts extends HookContext {
  readonly systemd: Pick<Systemd, "listUnits">;
  readonly directories: PodDirectories;
  readonly isBuiltin: boolean;
}

/** Throws RuntimeError (FailedPostStartHook). */
export async function postStart(
  pod: Pod,
  revision: Revision,
  parts: PostStartParts,
  signal: AbortSignal,
): Promise<void> {
  const hooks = hooksOf(containersOf(pod.spec, revision.stage), "postStart");
  if (parts.isBuiltin) await untilStarted(revision, hooks, parts, signal);
  const hooked = { ...revision, isHostNetwork: pod.spec.hostNetwork };
  const failures = await runHooks(hooks, hooked, parts, { timeoutMs, signal });
  if (failures.length > 0) {
    const message = failures.map((failure) => failure.message).join("; ");
    throw new RuntimeError("FailedPostStartHook", `PostStartHook failed: ${message}`);
  }
  await parts.directories.mark(revision.podUid, revision.uuid, "post-started");
}

/** The engine starts each app as a unit of its own a moment after the pod's; a real rkt's start is waited for anyway. */
async function untilStarted(
  { uuid }: Revision,
  hooks: Hooks,
  { systemd }: PostStartParts,
  signal: AbortSignal,
): Promise<void> {
  if (hooks.size === 0) return;
  const apps = [...hooks.keys()].map((container) => appUnitName(uuid, container));
  for (let tries = 0; tries < startTries; tries++) {
    const states = await systemd.listUnits([podUnitName(uuid), ...apps], signal);
    const active = new Set(
      states.filter(({ activeState }) => activeState === "active").map(({ name }) => name),
    );
    if (!active.has(podUnitName(uuid)) || apps.every((app) => active.has(app))) return;
    await setTimeout(startIntervalMs, undefined, { signal });
  }
}
