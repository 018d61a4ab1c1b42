// What is mounted for a running pod on the host: an overlay for each app, and its devices (pod-devices.ts). It stays until the pod is removed.

import { chmodSync, chownSync, existsSync, mkdirSync, statSync } from "node:fs";
import { hasErrorCode } from "../host/error.ts";
import { unmount } from "../host/libc.ts";
import { mountPoints } from "../host/mount-table.ts";
import type { ImageId } from "../pod/names.ts";
import type { AppcPodManifest, AppcRuntimeApp, AppcVolume } from "../rkt/appc.ts";
import { EngineError, withFileErrors } from "./engine-error.ts";
import type { ImageStore } from "./image-store.ts";
import { appMounts, type BindMount } from "./mounts.ts";
import { mountOverlay } from "./overlay.ts";
import type { Pod } from "./pod.ts";

export function mountPod(pod: Pod, apps: readonly AppcRuntimeApp[], images: ImageStore): void {
  for (const { name, image } of apps) {
    const lower = images.lowerDirectories(storeId(image.id));
    mountOverlay({ base: images.layers.base, lower, directory: `${pod.path}/apps/${name}` });
  }
}

/** All that mountPod() mounted and what has been mounted below it; not an error if there is nothing, but if one is in use. */
export async function unmountPod(pod: Pod): Promise<void> {
  for (const target of (await mountPoints(pod.path)).toReversed()) {
    try {
      unmount(target);
    } catch (error) {
      if (hasErrorCode(error, "EBUSY")) throw new EngineError(`${target} is busy`, { cause: error });
      if (!hasErrorCode(error, "EINVAL", "ENOENT")) throw error;
    }
  }
}

/** An app's volumes with their places on the host; makes the empty ones, and refuses sources that are not there. */
export function podMounts(
  pod: Pod,
  manifest: AppcPodManifest,
  app: AppcRuntimeApp,
  images: ImageStore,
): readonly BindMount[] {
  const imageKind = images.isLayered(storeId(app.image.id)) ? "docker" : "appc";
  return appMounts(manifest, app, imageKind).map(({ volume, path, source, isOwn, readOnly }) => {
    if (source !== undefined) withFileErrors(`stat of host path ${source}`, () => statSync(source));
    return {
      source: isOwn ? undefined : (source ?? emptyVolume(pod, volume)),
      path,
      readOnly,
      recursive: volume.recursive !== false,
    };
  });
}

function storeId(id: string): ImageId {
  return id.slice(0, "sha512-".length + 64) as ImageId;
}

function emptyVolume(pod: Pod, { name, mode, uid, gid }: AppcVolume): string {
  const path = `${pod.path}/volumes/${name}`;
  if (existsSync(path)) return path;
  mkdirSync(path);
  chownSync(path, uid ?? 0, gid ?? 0);
  chmodSync(path, Number.parseInt(mode ?? "0755", 8));
  return path;
}
