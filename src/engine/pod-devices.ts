// A pod's /dev and its IPC namespace, which its apps share: mounted in the pod's directory, and there until the pod is removed.

import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { hasErrorCode } from "../host/error.ts";
import { makeNode, mount, nodeTypes } from "../host/libc.ts";
import { newIpcNamespace } from "../host/namespaces.ts";

const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const MS_BIND = 0x1000;

const devices: readonly (readonly [name: string, major: number, minor: number])[] = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["full", 1, 7],
  ["random", 1, 8],
  ["urandom", 1, 9],
  ["tty", 5, 0],
];

const links = { ptmx: "pts/ptmx", fd: "/proc/self/fd", stdin: "fd/0", stdout: "fd/1", stderr: "fd/2" };

/** A /dev that holds no device of the machine. What is in /dev/shm and /dev/mqueue belongs to the IPC namespace. */
export function mountDevices(podPath: string, { isHostIpc }: { readonly isHostIpc: boolean }): void {
  const dev = `${podPath}/dev`;
  mkdirSync(dev, { recursive: true, mode: 0o755 });
  mount("tmpfs", dev, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k");
  for (const [name, major, minor] of devices) {
    makeNode(`${dev}/${name}`, nodeTypes.character | 0o666, major, minor);
    chmodSync(`${dev}/${name}`, 0o666);
  }
  for (const [name, target] of Object.entries(links)) symlinkSync(target, `${dev}/${name}`);
  for (const name of ["pts", "shm", "mqueue"]) mkdirSync(`${dev}/${name}`);
  mount("devpts", `${dev}/pts`, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  if (isHostIpc) {
    for (const name of ["shm", "mqueue"].filter((each) => existsSync(`/dev/${each}`)))
      mount(`/dev/${name}`, `${dev}/${name}`, "", MS_BIND, "");
    return;
  }
  writeFileSync(`${podPath}/ipc`, "");
  newIpcNamespace(`${podPath}/ipc`);
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  mount("tmpfs", `${dev}/shm`, "tmpfs", flags, "mode=1777,size=64m");
  try {
    mount("mqueue", `${dev}/mqueue`, "mqueue", flags, "");
  } catch (error) {
    if (!hasErrorCode(error, "ENODEV")) throw error; // a kernel without POSIX message queues
  }
}
