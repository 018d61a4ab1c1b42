// The app units' files. systemd reads a new name when it is first asked for it, so nothing needs to be reloaded.

import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";

const directory = "/run/systemd/system";

export function writeAppUnits(units: readonly string[], texts: readonly string[]): void {
  units.forEach((unit, index) => {
    // Not `.service`: systemd must not see half of one.
    const temporary = `${directory}/.${unit}.tmp`;
    writeFileSync(temporary, texts[index] ?? "");
    renameSync(temporary, `${directory}/${unit}`);
  });
}

export function existingAppUnits(units: readonly string[]): readonly string[] {
  return units.filter((unit) => existsSync(`${directory}/${unit}`));
}

export function removeAppUnits(units: readonly string[]): void {
  for (const unit of units) rmSync(`${directory}/${unit}`, { force: true });
}
