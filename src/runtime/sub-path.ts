// A subPath of a volume becomes a mount point of ours, which is what the container gets.
// Invariant: nothing that a pod can write, however fast it swaps links, leads a subPath out of its volume: the kernel resolves it in one
// step that cannot leave (openat2(2)), and what it has found is what is mounted, by its descriptor and not by a name.

import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { hasErrorCode } from "../host/error.ts";
import { mount, openBeneath, unmount } from "../host/libc.ts";

const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

/**
 * Mounts `volume`'s `subPath` (relative, without `..`) on `target`, which lies where no pod can write; replaces what is mounted there. What
 * is missing of the path becomes a directory.
 */
export function mountSubPath(volume: string, subPath: string, target: string): void {
  const root = openSync(volume, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const found = openOrMake(root, subPath);
    try {
      clearTarget(target);
      makeTarget(target, fstatSync(found).isDirectory());
      mount(throughDescriptor(found), target, "", MS_BIND | MS_REC, "");
    } finally {
      closeSync(found);
    }
  } finally {
    closeSync(root);
  }
}

function openOrMake(root: number, subPath: string): number {
  const found = openIfThere(root, subPath);
  if (found !== undefined) return found;
  const mode = fstatSync(root).mode & 0o777;
  const names = subPath.split("/").filter((name) => name !== "" && name !== ".");
  for (let depth = 1; depth <= names.length; depth++) {
    const parent = openIfThere(root, names.slice(0, depth - 1).join("/") || ".");
    if (parent === undefined) throw new Error(`${subPath}: was removed while it was made`);
    try {
      makeDirectory(`${throughDescriptor(parent)}/${names[depth - 1]}`, mode);
    } finally {
      closeSync(parent);
    }
  }
  const made = openIfThere(root, subPath);
  if (made === undefined) throw new Error(`${subPath}: is a link to nothing`);
  // As the kubelet: what the volume grants to others, which the umask took away.
  if ((fstatSync(made).mode & 0o777) !== mode) chmodSync(throughDescriptor(made), mode);
  return made;
}

/** `path`'s parent is known by its descriptor; a link at its end is not followed by mkdir(2). */
function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (!hasErrorCode(error, "EEXIST")) throw error;
  }
}

/** How often a look may be disturbed by somebody who moves directories about. */
const triesMax = 100;

function openIfThere(root: number, path: string): number | undefined {
  for (let tries = 1; ; tries++) {
    try {
      return openBeneath(root, path);
    } catch (error) {
      if (hasErrorCode(error, "ENOENT")) return undefined;
      if (hasErrorCode(error, "EAGAIN") && tries < triesMax) continue;
      if (hasErrorCode(error, "EXDEV", "ELOOP"))
        throw new Error(`${path}: leads out of its volume`, { cause: error });
      if (hasErrorCode(error, "ENOSYS"))
        throw new Error("a subPath needs openat2(2), Linux 5.6", { cause: error });
      throw new Error(path, { cause: error });
    }
  }
}

/** What `/proc/self/fd/N` stands for is the thing itself, wherever it has been moved. */
function throughDescriptor(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** Removes an earlier attempt's: what is mounted there (a pod that still runs keeps its own), then the mount point. */
function clearTarget(target: string): void {
  for (;;) {
    try {
      unmount(target, MNT_DETACH | UMOUNT_NOFOLLOW);
    } catch (error) {
      if (hasErrorCode(error, "EINVAL", "ENOENT", "ENOTDIR")) break; // nothing is mounted there any more
      throw error;
    }
  }
  try {
    if (lstatSync(target).isDirectory()) rmdirSync(target);
    else unlinkSync(target);
  } catch (error) {
    if (!hasErrorCode(error, "ENOENT")) throw error;
  }
}

function makeTarget(target: string, isDirectory: boolean): void {
  mkdirSync(dirname(target), { recursive: true, mode: 0o750 });
  if (isDirectory) mkdirSync(target);
  else writeFileSync(target, "", { flag: "wx", mode: 0o600 });
}
