// Units as D-Bus objects: `/org/freedesktop/systemd1/unit/gantry_2da_2eservice`.

import type { UnitName } from "../pod/names.ts";

export const unitPathPrefix = "/org/freedesktop/systemd1/unit/";

/** What is no letter or digit becomes `_` and two hex digits, byte by byte, a digit at the start too (sd_bus_path_encode(3)). */
export function unitPath(unit: UnitName): string {
  const label = [...Buffer.from(unit)]
    .map((byte, index) => {
      const character = String.fromCharCode(byte);
      const isPlain = index === 0 ? /[A-Za-z]/.test(character) : /[A-Za-z0-9]/.test(character);
      return isPlain ? character : `_${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
  return unitPathPrefix + label;
}

export function unitOfPath(path: string): UnitName | undefined {
  if (!path.startsWith(unitPathPrefix)) return undefined;
  const escaped = path.slice(unitPathPrefix.length).replaceAll("_", "%");
  try {
    return decodeURIComponent(escaped) as UnitName;
  } catch {
    return undefined; // not UTF-8
  }
}
