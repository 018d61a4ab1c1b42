// Images of the store as `gantry get` and `gantry images` list them.

import { formatAge } from "../pod/age.ts";
import type { ListedImage } from "../pod/listed-image.ts";
import { none, type Resource } from "./resource.ts";

export const imageResource: Resource<ListedImage> = {
  names: ["images", "image"],
  isNamespaced: false,
  async list(client) {
    const whole = await client.json<{ items: readonly ListedImage[] }>("/images");
    return { whole, items: whole.items };
  },
  withItems: (whole, items) => ({ ...whole, items }),
  nameOf: ({ id }) => id,
  namespaceOf: () => undefined,
  isNamed: ({ id, names }, name) => names.includes(name) || (name.length >= 8 && id.startsWith(name)),
  labelsOf: () => ({}),
  head: ({ isWide }) => [
    "IMAGE",
    "ID",
    "SIZE",
    "AGE",
    "USED BY",
    ...(isWide ? ["LAST USED", "PULLED BY"] : []),
  ],
  row: ({ id, names, sizeBytes, importedAt, lastUsedAt, isOurs, usedBy }, { isWide, nowMs }) => [
    names.at(-1) ?? none,
    isWide ? id : id.slice(0, "sha512-".length + 12),
    formatBytes(sizeBytes),
    formatAge(nowMs - Date.parse(importedAt)),
    usedBy.join(",") || none,
    ...(isWide ? [formatAge(nowMs - Date.parse(lastUsedAt)), isOurs ? "gantry" : "others"] : []),
  ],
};

/** `12.3MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** power).toFixed(1))}${units[power]}`;
}
