// The app units' files. systemd reads a new name when it is first asked for it, so nothing needs to be reloaded.

import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";

export const unitDirectory = "/run/systemd/system";

export function writeAppUnits(units: readonly string[], texts: readonly string[]): void {
  units.forEach((unit, index) => {
    // Not `.service`: systemd must not see half of one.
    const temporary = `${unitDirectory}/.${unit}.tmp`;
    writeFileSync(temporary, texts[index] ?? "");
    renameSync(temporary, `${unitDirectory}/${unit}`);
  });
}

export function existingAppUnits(units: readonly string[]): readonly string[] {
  return units.filter((unit) => existsSync(`${unitDirectory}/${unit}`));
}

export function removeAppUnits(units: readonly string[]): void {
  for (const unit of units) rmSync(`${unitDirectory}/${unit}`, { force: true });
}
