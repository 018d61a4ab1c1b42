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
      readonly place: Place;
    }
  /** There is nothing at the path. */
  | { readonly kind: "missing"; readonly entries: ReadonlyMap<string, Entry>; readonly place: Place }
  /** Could not observe, which is not absent. */
  | { readonly kind: "unreadable"; readonly reason: string };

/** Which directory it was: that of the manifests, or the one around a single file. */
export interface Place {
  /** `st_dev`: of another file system than before when it is mounted over, or not any more. Undefined: nowhere. */
  readonly device: string | undefined;
  /** Another where the directory was made again. Undefined where that says nothing: a link may lead elsewhere at any time. */
  readonly inode: string | undefined;
}

export type Entry =
  | { readonly kind: "file"; readonly identity: string; readonly size: number }
  | { readonly kind: "skipped"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

/** Changes with every write, rename and replacement. */
export function identityOf({ dev, ino, mtimeNs, ctimeNs, size }: BigIntStats): string {
  return [dev, ino, mtimeNs, ctimeNs, size].join(":");
}

const nowhere: Place = { device: undefined, inode: undefined };

/** `wasFile`: the path is known to have been a single file, whose absence can therefore be observed. */
export async function listManifests(path: string, wasFile: boolean): Promise<Listing> {
  try {
    const stats = await statIfExists(path);
    if (stats === undefined && wasFile && (await isMissingFrom(dirname(path), basename(path)))) {
      return { kind: "file", entries: new Map(), place: await placeAround(path) };
    }
    if (stats === undefined) return { kind: "missing", entries: new Map(), place: nowhere };
    if (stats.isDirectory()) return await listDirectory(path, stats);
    const entry = entryOf(stats);
    if (entry.kind !== "file") return { kind: "unreadable", reason: `it is ${entry.reason}` };
    return { kind: "file", entries: new Map([[path, entry]]), place: await placeAround(path) };
  } catch (error) {
    return { kind: "unreadable", reason: errorChain(error) };
  }
}

async function statIfExists(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function listDirectory(path: string, { dev, ino }: BigIntStats): Promise<Listing> {
  const isLink = (await lstat(path)).isSymbolicLink();
  const names = (await readdir(path)).sort();
  const entries = await Promise.all(names.map((name) => entryAt(path, name)));
  const found = entries.flatMap((entry, index) =>
    entry === undefined ? [] : [[`${path}/${names[index]}`, entry] as const],
  );
  const place = { device: String(dev), inode: isLink ? undefined : String(ino) };
  return { kind: "directory", entries: new Map(found), place };
}

async function placeAround(path: string): Promise<Place> {
  return { device: String((await stat(dirname(path), { bigint: true })).dev), inode: undefined };
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
