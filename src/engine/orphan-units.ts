// App units of pods whose directories are gone, as where somebody has removed them by hand; and halves of unit files.
// Invariant: only of pods of this data directory, which a unit's command names; what runs goes only when its pod's unit does not.

import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { systemClock } from "../host/clock.ts";
import { isRktUuid, podUnitName, type RktUuid } from "../pod/names.ts";
import { quoteArgument } from "../systemd/unit-file.ts";
import { EngineError } from "./engine-error.ts";
import { phases } from "./pod.ts";
import type { PodStore } from "./pod-store.ts";
import { systemctl, unitProperties } from "./systemctl.ts";
import { removeAppUnits, unitDirectory } from "./unit-files.ts";

/** Longer than a grace period that makes sense. */
const stopTimeoutMs = 10 * 60_000;
/** A file that is being written is there for milliseconds. */
const halfAgeMs = 60_000;

/** What fails is told, and tried again the next time. */
export function removeOrphanUnits(store: PodStore, tell: (line: string) => void): void {
  const names = readdirSync(unitDirectory);
  for (const name of names.filter(isOldHalf)) rmSync(`${unitDirectory}/${name}`, { force: true });
  const units = names.flatMap((name) => {
    const uuid = /^gantry-(.{36})-.+\.service$/.exec(name)?.[1];
    return uuid !== undefined && isRktUuid(uuid) ? [{ name, uuid }] : [];
  });
  for (const [uuid, ofPod] of Map.groupBy(units, (unit) => unit.uuid)) {
    if (phases.some((phase) => existsSync(store.path(uuid, phase)))) continue;
    const ours = ofPod.map(({ name }) => name).filter((name) => isOf(store.path(uuid, "run"), name));
    if (ours.length === 0 || isUp(podUnitName(uuid))) continue;
    try {
      systemctl(["stop", "--", ...ours], stopTimeoutMs);
      removeAppUnits(ours);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      tell(`cannot remove the units of pod "${uuid}": ${error.message}`);
    }
  }
}

function isOldHalf(name: string): boolean {
  const uuid = /^\.gantry-(.{36})-.+\.service\.tmp$/.exec(name)?.[1];
  if (uuid === undefined || !isRktUuid(uuid as RktUuid)) return false;
  const stat = statSync(`${unitDirectory}/${name}`, { throwIfNoEntry: false });
  return stat !== undefined && systemClock.wallMs() - stat.mtimeMs > halfAgeMs;
}

/** Whether an app unit starts its app from there. */
function isOf(podPath: string, unit: string): boolean {
  const text = readFileSync(`${unitDirectory}/${unit}`, "utf8");
  return text.includes(` start-app ${quoteArgument(podPath)} `);
}

function isUp(unit: string): boolean {
  return !["inactive", "failed"].includes(unitProperties(unit, ["ActiveState"]).ActiveState);
}
