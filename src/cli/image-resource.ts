// Images of the store as `gantry get` and `gantry images` list them.

import { formatAge } from "../pod/age.ts";
import { none, type Resource } from "./resource.ts";

/** An item of the answer of GET /images. */
interface Image {
  readonly id: string;
  readonly names: readonly string[];
  readonly sizeBytes: number;
  readonly importedAt: string;
  readonly lastUsedAt: string;
  readonly isOurs: boolean;
  readonly usedBy: readonly string[];
}

export const imageResource: Resource<Image> = {
  names: ["images", "image"],
  isNamespaced: false,
  async list(client) {
    const whole = await client.json<{ items: readonly Image[] }>("/images");
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
