// What is mounted for a running pod on the host: an overlay for each app, one /dev and one IPC namespace. It stays until the pod is removed.

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hasErrorCode } from "../host/error.ts";
import { makeNode, mount, newIpcNamespace, nodeTypes, unmount } from "../host/libc.ts";
import type { ImageId } from "../pod/names.ts";
import type { AppcPodManifest, AppcRuntimeApp, AppcVolume } from "../rkt/appc.ts";
import { unescapeOctal } from "./app-root.ts";
import { EngineError, withFileErrors } from "./engine-error.ts";
import type { ImageStore } from "./image-store.ts";
import { appMounts, type BindMount } from "./mounts.ts";
import { mountOverlay } from "./overlay.ts";
import type { Pod } from "./pod.ts";

const MS_NOSUID = 2;
const MS_NOEXEC = 8;

export function mountPod(pod: Pod, apps: readonly AppcRuntimeApp[], images: ImageStore): void {
  for (const { name, image } of apps) {
    const lower = images.lowerDirectories(image.id.slice(0, "sha512-".length + 64) as ImageId);
    mountOverlay({ base: images.layers.base, lower, directory: `${pod.path}/apps/${name}` });
  }
  mountDevices(`${pod.path}/dev`);
  writeFileSync(`${pod.path}/ipc`, "");
  newIpcNamespace(`${pod.path}/ipc`);
}

/** All that mountPod() mounted and what has been mounted below it; not an error if there is nothing, but if one is in use. */
export function unmountPod(pod: Pod): void {
  const mounted = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => unescapeOctal(line.split(" ")[4] ?? ""))
    .filter((target) => target.startsWith(`${pod.path}/`));
  for (const target of mounted.reverse()) {
    try {
      unmount(target);
    } catch (error) {
      if (hasErrorCode(error, "EBUSY")) throw new EngineError(`${target} is busy`, { cause: error });
      if (!hasErrorCode(error, "EINVAL", "ENOENT")) throw error;
    }
  }
}

const devices: readonly (readonly [name: string, major: number, minor: number])[] = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["full", 1, 7],
  ["random", 1, 8],
  ["urandom", 1, 9],
  ["tty", 5, 0],
];

const links = { ptmx: "pts/ptmx", fd: "/proc/self/fd", stdin: "fd/0", stdout: "fd/1", stderr: "fd/2" };

/** A /dev that holds no device of the machine. The pod's apps share it, /dev/shm included. */
function mountDevices(dev: string): void {
  mkdirSync(dev, { recursive: true, mode: 0o755 });
  mount("tmpfs", dev, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k");
  for (const [name, major, minor] of devices) {
    makeNode(`${dev}/${name}`, nodeTypes.character | 0o666, major, minor);
    chmodSync(`${dev}/${name}`, 0o666);
  }
  for (const [name, target] of Object.entries(links)) symlinkSync(target, `${dev}/${name}`);
  mkdirSync(`${dev}/pts`);
  mount("devpts", `${dev}/pts`, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  mkdirSync(`${dev}/shm`);
  mount("tmpfs", `${dev}/shm`, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=1777,size=64m");
}

/** An app's volumes with their places on the host; makes the empty ones, and refuses sources that are not there. */
export function podMounts(pod: Pod, manifest: AppcPodManifest, app: AppcRuntimeApp): readonly BindMount[] {
  return appMounts(manifest, app).map(({ volume, path, source, readOnly }) => {
    if (source !== undefined) withFileErrors(`stat of host path ${source}`, () => statSync(source));
    return {
      source: source ?? emptyVolume(pod, volume),
      path,
      readOnly,
      recursive: volume.recursive !== false,
    };
  });
}

function emptyVolume(pod: Pod, { name, mode, uid, gid }: AppcVolume): string {
  const path = `${pod.path}/volumes/${name}`;
  if (existsSync(path)) return path;
  mkdirSync(path);
  chownSync(path, uid ?? 0, gid ?? 0);
  chmodSync(path, Number.parseInt(mode ?? "0755", 8));
  return path;
}
