// What is known of the manifest path from one agent to the next, as a file. Invariant: a file that cannot be read or written stops nobody.

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { errorChain } from "../host/error.ts";
import { readTextIfExists, writeFileAtomic } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import { isJsonObject } from "../pod/json.ts";
import type { Memory } from "./absence.ts";

export const noMemory: Memory = { place: undefined, isReady: true };

/** Of another path nothing is known. */
export async function readMemory(file: string, path: string, log: Log): Promise<Memory> {
  try {
    const known: unknown = JSON.parse((await readTextIfExists(file)) ?? "null");
    if (!isJsonObject(known) || known.path !== path) return noMemory;
    const { device, inode, isReady } = known;
    const text = (value: unknown) => (typeof value === "string" ? value : undefined);
    const hasPlace = device !== undefined;
    return {
      place: hasPlace ? { device: text(device), inode: text(inode) } : undefined,
      isReady: isReady !== false,
    };
  } catch (error) {
    log.warn("cannot read what is known of the manifest directory", { file, error: errorChain(error) });
    return noMemory;
  }
}

export async function writeMemory(file: string, path: string, { place, isReady }: Memory): Promise<void> {
  const known = place && { device: place.device ?? null, inode: place.inode ?? null };
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomic(file, `${JSON.stringify({ path, ...known, isReady })}\n`, 0o600);
}
