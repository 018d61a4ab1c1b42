// Volume mounts become appc volumes of the pod and mount points of each app. Pure.

import type { VolumeMount } from "../pod/volume.ts";
import type { AppcMountPoint, AppcVolume } from "./appc.ts";

export interface ResolvedMount {
  /** Absolute, symlinks and subPath resolved. */
  readonly hostPath: string;
  /** Absolute. */
  readonly mountPath: string;
  readonly readOnly: boolean;
  readonly propagation: VolumeMount["mountPropagation"];
}

/** The name of the appc volume that stands for each host path. */
export type HostVolumes = ReadonlyMap<string, string>;

/** `mounts`: of all containers, in order. */
export function hostVolumes(mounts: readonly ResolvedMount[]): HostVolumes {
  const paths = [...new Set(mounts.map(({ hostPath }) => hostPath))];
  // The prefix is ours: rkt would give a volume to any mount point of the image that has the same name.
  return new Map(paths.map((path, index) => [path, `gantry-${index}`]));
}

/** The mount points of one app: the image's, replaced by path; of two mounts at one path the first counts. */
export function appMountPoints(
  image: readonly AppcMountPoint[],
  mounts: readonly ResolvedMount[],
  volumes: HostVolumes,
): readonly AppcMountPoint[] {
  const byPath = new Map<string, AppcMountPoint>();
  for (const { hostPath, mountPath, readOnly } of mounts) {
    const name = volumes.get(hostPath);
    if (name !== undefined && !byPath.has(mountPath))
      byPath.set(mountPath, { name, path: mountPath, readOnly });
  }
  return [...image.filter(({ path }) => !byPath.has(path)), ...byPath.values()];
}

/**
 * The pod's volumes, as far as they are mounted. A volume's `readOnly` would override its mount points': so it is given only where all
 * of them say so, and left out where one may write (the kubelet takes the first mount's, and with it opens or locks all others).
 */
export function podVolumes(
  volumes: HostVolumes,
  mountPoints: readonly AppcMountPoint[],
): readonly AppcVolume[] {
  return [...volumes].flatMap(([source, name]): readonly AppcVolume[] => {
    const mounted = mountPoints.filter((point) => point.name === name);
    if (mounted.length === 0) return [];
    const isReadOnly = mounted.every((point) => point.readOnly === true);
    return [{ name, kind: "host", source, ...(isReadOnly ? { readOnly: true } : {}) }];
  });
}
