// Takes apart what is left of a pod. Shared by `rm` and `gc`.

import { appUnitNames } from "./app-unit.ts";
import { EngineError } from "./engine-error.ts";
import { type Lock, tryToLock } from "./lock.ts";
import type { Pod } from "./pod.ts";
import { unmountPod } from "./pod-file-systems.ts";
import type { PodStore } from "./pod-store.ts";
import { removeAppUnits } from "./unit-files.ts";

/** Undefined while it runs or somebody else works on it. */
export function lockPod(pod: Pod): Lock | undefined {
  return tryToLock(pod.lockPath, "exclusive");
}

/** Only for who holds its lock. Repeatable: what failed half-way is done the next time. */
export function removePod(pod: Pod, store: PodStore): void {
  try {
    removeAppUnits(appUnitNames(pod.uuid, pod.apps()));
    unmountPod(pod);
    store.delete(pod);
  } catch (error) {
    throw new EngineError(`cannot remove pod "${pod.uuid}": ${(error as Error).message}`, { cause: error });
  }
}
