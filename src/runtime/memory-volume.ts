// Volumes that are memory (tmpfs).

import { hasErrorCode } from "../host/error.ts";
import { mount } from "../host/libc.ts";
import { isMountPoint } from "../host/mount-table.ts";

const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_REMOUNT = 32;

/** Keeps what is in it, where it is there already. `sizeLimit` in bytes; null: none. */
export async function mountMemory(path: string, sizeLimit: number | null): Promise<void> {
  const flags = MS_NOSUID | MS_NODEV | ((await isMountPoint(path)) ? MS_REMOUNT : 0);
  const size = sizeLimit ? String(sizeLimit) : "50%"; // of memory: what tmpfs has unless told
  mount("tmpfs", path, "tmpfs", flags, `size=${size}`);
}

/** Never on a disk, not even as swap where Linux can do without. */
export async function mountForSecrets(path: string): Promise<void> {
  if (await isMountPoint(path)) return;
  const options = "mode=0755";
  try {
    mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, `${options},noswap`);
  } catch (error) {
    if (!hasErrorCode(error, "EINVAL")) throw error;
    mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options); // before Linux 6.4, which knows noswap
  }
}
