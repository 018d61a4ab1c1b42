// hostPath volumes: what is checked, and made, before a pod may see a path of the machine.

import type { Stats } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { hasErrorCode } from "../host/error.ts";
import type { HostPathType } from "../pod/volume.ts";

/** Throws Error in the kubelet's words where `path` is not what it should be. */
export async function checkHostPath(path: string, type: HostPathType): Promise<void> {
  const found = await statIfThere(path);
  if (found === undefined) await makeMissing(path, type);
  const { what, test } = checks[type];
  const present = await statIfThere(path);
  if (present === undefined || !test(present))
    throw new Error(`hostPath type check failed: ${path} is not ${what}`);
}

const directory = { what: "a directory", test: (stats: Stats) => stats.isDirectory() };
const file = { what: "a file", test: (stats: Stats) => stats.isFile() };

const checks: Readonly<
  Record<HostPathType, { readonly what: string; readonly test: (stats: Stats) => boolean }>
> = {
  "": { what: "there", test: () => true },
  DirectoryOrCreate: directory,
  Directory: directory,
  FileOrCreate: file,
  File: file,
  Socket: { what: "a socket file", test: (stats) => stats.isSocket() },
  CharDevice: { what: "a character device", test: (stats) => stats.isCharacterDevice() },
  BlockDevice: { what: "a block device", test: (stats) => stats.isBlockDevice() },
};

async function makeMissing(path: string, type: HostPathType): Promise<void> {
  switch (type) {
    case "": // may be anything; what is missing becomes a directory, as container runtimes do it
    case "DirectoryOrCreate":
      await mkdir(path, { recursive: true, mode: 0o755 });
      return;
    case "FileOrCreate":
      // Not its parent directories: the kubelet does not make them either.
      await writeFile(path, "", { flag: "wx", mode: 0o644 }).catch((error: unknown) => {
        if (!hasErrorCode(error, "EEXIST")) throw error;
      });
      return;
    case "Directory":
    case "File":
    case "Socket":
    case "CharDevice":
    case "BlockDevice":
      return;
    default:
      return type satisfies never;
  }
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: unknown) => {
    if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  });
}
