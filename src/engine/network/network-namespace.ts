// A pod's network namespace, kept under a name as ip-netns(8) has it: `ip netns exec gantry-UUID …` is at work there too.

import { closeSync, constants, mkdirSync, openSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { hasErrorCode } from "../../host/error.ts";
import { mount, unmount } from "../../host/libc.ts";
import { isMountPoint } from "../../host/mount-table.ts";
import { newNetworkNamespace } from "../../host/namespaces.ts";
import { isRktUuid, networkNamespacePath, type RktUuid } from "../../pod/names.ts";
import { lockWithin } from "../lock.ts";

const directory = "/run/netns";

const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MS_SHARED = 1 << 20;
const MNT_DETACH = 2;
const NSFS_MAGIC = 0x6e736673;

/** Its path. */
export async function createNamespace(uuid: RktUuid): Promise<string> {
  await shareDirectory();
  const path = networkNamespacePath(uuid);
  closeSync(openSync(path, "wx", 0o444));
  newNetworkNamespace(path);
  return path;
}

/** Undefined if it is not there (any more), or only the file for it. */
export function findNamespace(uuid: RktUuid): string | undefined {
  const path = networkNamespacePath(uuid);
  try {
    return statfsSync(path).type === NSFS_MAGIC ? path : undefined;
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** The pods that have one, or the file for one. */
export function namespaceUuids(): readonly RktUuid[] {
  try {
    return readdirSync(directory)
      .map((name) => name.match(/^gantry-(.*)$/)?.[1] ?? "")
      .filter(isRktUuid);
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** Not an error if there is none. It is gone once its last process has ended. */
export function removeNamespace(uuid: RktUuid): void {
  const path = networkNamespacePath(uuid);
  try {
    unmount(path, MNT_DETACH);
  } catch (error) {
    // EINVAL: a kill came between the file and the mount.
    if (!hasErrorCode(error, "ENOENT", "EINVAL")) throw error;
  }
  rmSync(path, { force: true });
}

/**
 * As ip-netns(8) does it before its first namespace. Done later, over ours, it would hide a second mount of each below its own, which no one
 * could remove.
 */
async function shareDirectory(): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  using _lock = lockWithin(5000, directory, fd, "exclusive");
  if (await isMountPoint(directory)) return;
  mount(directory, directory, "", MS_BIND | MS_REC, "");
  mount("", directory, "", MS_SHARED | MS_REC, "");
}
