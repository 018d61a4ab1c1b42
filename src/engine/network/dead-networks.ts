// Networks of pods that have ended without seeing to them (SIGKILL, a crash, a reboot) or are gone.

import { existsSync } from "node:fs";
import { podUnitName, type RktUuid } from "../../pod/names.ts";
import { EngineError } from "../engine-error.ts";
import { phases } from "../pod.ts";
import type { PodStore } from "../pod-store.ts";
import { lockPod } from "../remove-pod.ts";
import { unitProperties } from "../systemctl.ts";
import { namespaceUuids } from "./network-namespace.ts";
import { hasNetwork, recordedUuids, releaseNetwork, releaseOrphan } from "./pod-network.ts";

/**
 * A dead pod's host ports would take what is meant for the next one's, so this is done before each start. What fails is told, and tried
 * again the next time.
 */
export async function releaseDeadNetworks(store: PodStore, tell: (line: string) => void): Promise<void> {
  for (const phase of ["run", "exited-garbage", "garbage"] as const)
    for (const pod of store.inPhase(phase).filter(hasNetwork)) {
      using lock = lockPod(pod);
      if (lock !== undefined) await releaseOrTell(pod.uuid, () => releaseNetwork(pod), tell);
    }
}

/** Those whose pod has neither a directory nor a unit: also other data directories have pods. A record may be lost, too. */
export async function releaseOrphans(store: PodStore, tell: (line: string) => void): Promise<void> {
  for (const uuid of new Set([...recordedUuids(), ...namespaceUuids()])) {
    const isKnown = phases.some((phase) => existsSync(store.path(uuid, phase)));
    if (!isKnown && !isRunning(uuid)) await releaseOrTell(uuid, () => releaseOrphan(uuid), tell);
  }
}

function isRunning(uuid: RktUuid): boolean {
  const unit = podUnitName(uuid);
  return [unit, unit.replace(/\.service$/, ".scope")].some(
    (name) => !["inactive", "failed"].includes(unitProperties(name, ["ActiveState"]).ActiveState),
  );
}

async function releaseOrTell(
  uuid: RktUuid,
  release: () => Promise<void>,
  tell: (line: string) => void,
): Promise<void> {
  try {
    await release();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    tell(`pod "${uuid}": ${error.message}`);
  }
}
