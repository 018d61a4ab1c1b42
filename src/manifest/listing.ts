// One look at the manifest path, a directory or a single file. Invariant: nothing is opened, so nothing can block or be set off.

import type { BigIntStats } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { errorChain, hasErrorCode } from "../host/error.ts";
import { skipReason } from "./file-name.ts";

export type Listing =
  | {
      readonly kind: "directory" | "file";
      /** By absolute path, sorted. */
      readonly entries: ReadonlyMap<string, Entry>;
    }
  /** Could not observe, which is not absent. */
  | { readonly kind: "unreadable"; readonly reason: string };

export type Entry =
  | { readonly kind: "file"; readonly identity: string; readonly size: number }
  | { readonly kind: "skipped"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

/** Changes with every write, rename and replacement. */
export function identityOf({ dev, ino, mtimeNs, ctimeNs, size }: BigIntStats): string {
  return [dev, ino, mtimeNs, ctimeNs, size].join(":");
}

/** `wasFile`: the path is known to have been a single file, whose absence can therefore be observed. */
export async function listManifests(path: string, wasFile: boolean): Promise<Listing> {
  try {
    const stats = await stat(path, { bigint: true });
    if (!stats.isDirectory()) {
      const entry = entryOf(stats);
      if (entry.kind !== "file") return { kind: "unreadable", reason: `${path} is ${entry.reason}` };
      return { kind: "file", entries: new Map([[path, entry]]) };
    }
    const names = (await readdir(path)).sort();
    const entries = await Promise.all(names.map((name) => entryAt(path, name)));
    const found = entries.flatMap((entry, index) =>
      entry === undefined ? [] : [[`${path}/${names[index]}`, entry] as const],
    );
    return { kind: "directory", entries: new Map(found) };
  } catch (error) {
    if (wasFile && hasErrorCode(error, "ENOENT") && (await isMissingFrom(dirname(path), basename(path)))) {
      return { kind: "file", entries: new Map() };
    }
    return { kind: "unreadable", reason: errorChain(error) };
  }
}

async function isMissingFrom(directory: string, name: string): Promise<boolean> {
  return readdir(directory).then(
    (names) => !names.includes(name),
    () => false,
  );
}

/** Undefined when it went away meanwhile. */
async function entryAt(directory: string, name: string): Promise<Entry | undefined> {
  const reason = skipReason(name);
  if (reason !== undefined) return { kind: "skipped", reason };
  const path = `${directory}/${name}`;
  try {
    return entryOf(await stat(path, { bigint: true }));
  } catch (error) {
    if (!hasErrorCode(error, "ENOENT", "ELOOP", "ENOTDIR"))
      return { kind: "failed", reason: errorChain(error) };
    const isLink = await lstat(path).then(
      (stats) => stats.isSymbolicLink(),
      () => false,
    );
    return isLink ? { kind: "skipped", reason: "a link that leads nowhere" } : undefined;
  }
}

function entryOf(stats: BigIntStats): Entry {
  if (stats.isFile()) return { kind: "file", identity: identityOf(stats), size: Number(stats.size) };
  const what = stats.isDirectory()
    ? "a directory"
    : stats.isFIFO()
      ? "a named pipe"
      : stats.isSocket()
        ? "a socket"
        : "a device";
  return { kind: "skipped", reason: what };
}
