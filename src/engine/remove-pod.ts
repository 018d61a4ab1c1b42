// Takes apart what is left of a pod. Shared by `rm` and `gc`.

import { appUnitNames } from "./app-unit.ts";
import { EngineError } from "./engine-error.ts";
import { type Lock, tryToLock } from "./lock.ts";
import { releaseNetwork } from "./network/pod-network.ts";
import type { Pod } from "./pod.ts";
import { unmountPod } from "./pod-file-systems.ts";
import type { PodStore } from "./pod-store.ts";
import { systemctl } from "./systemctl.ts";
import { existingAppUnits, removeAppUnits } from "./unit-files.ts";

/** Longer than a grace period that makes sense; what is left of a pod seldom runs at all. */
const stopTimeoutMs = 10 * 60_000;

/** Undefined while it runs or somebody else works on it. */
export function lockPod(pod: Pod): Lock | undefined {
  return tryToLock(pod.lockPath, "exclusive");
}

/** Only for who holds its lock. Repeatable: what failed half-way is done the next time. */
export async function removePod(pod: Pod, store: PodStore): Promise<void> {
  try {
    const units = existingAppUnits(appUnitNames(pod.uuid, pod.apps()));
    // An app may outlive a main process that was killed for as long as its grace period.
    if (units.length > 0) systemctl(["stop", "--", ...units], stopTimeoutMs);
    removeAppUnits(units);
    await releaseNetwork(pod);
    await unmountPod(pod);
    store.delete(pod);
  } catch (error) {
    throw new EngineError(`cannot remove pod "${pod.uuid}": ${(error as Error).message}`, { cause: error });
  }
}
