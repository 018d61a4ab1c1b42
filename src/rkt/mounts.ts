// Volume mounts become appc volumes of the pod and mount points of each app. Pure.

import type { VolumeMount } from "../pod/volume.ts";
import type { AppcMountPoint, AppcVolume } from "./appc.ts";
import { PodManifestError } from "./pod-manifest-error.ts";

/** The appc volume of each Kubernetes volume: one a host path, named after the first that has it. */
export type VolumeNames = ReadonlyMap<string, string>;

/** `hostPaths`: by the names of the pod's volumes. */
export function volumeNames(hostPaths: ReadonlyMap<string, string>): VolumeNames {
  const byPath = new Map<string, string>();
  return new Map(
    [...hostPaths].map(([volume, path]) => {
      // The prefix is ours: rkt would give a volume to any mount point of the image that has the same name.
      const name = byPath.get(path) ?? `gantry-${volume}`;
      byPath.set(path, name);
      return [volume, name];
    }),
  );
}

/** The mount points of one app: the image's, replaced by path; of two mounts at one path the first counts. */
export function appMountPoints(
  image: readonly AppcMountPoint[],
  mounts: readonly VolumeMount[],
  names: VolumeNames,
): readonly AppcMountPoint[] {
  const byPath = new Map<string, AppcMountPoint>();
  for (const { name: volume, mountPath, readOnly } of mounts) {
    const name = names.get(volume);
    if (name === undefined) throw new PodManifestError(`volume "${volume}" has no path on the host`);
    if (!byPath.has(mountPath)) byPath.set(mountPath, { name, path: mountPath, readOnly });
  }
  return [...image.filter(({ path }) => !byPath.has(path)), ...byPath.values()];
}

/**
 * The pod's volumes, as far as they are mounted. A volume's `readOnly` would override its mount points': so it is given only where all
 * of them say so, and left out where one may write (the kubelet takes the first mount's, and with it opens or locks all others).
 */
export function podVolumes(
  hostPaths: ReadonlyMap<string, string>,
  names: VolumeNames,
  mountPoints: readonly AppcMountPoint[],
): readonly AppcVolume[] {
  const paths = new Map([...names].map(([volume, name]) => [name, hostPaths.get(volume) ?? ""]));
  return [...paths].flatMap(([name, source]): readonly AppcVolume[] => {
    const mounted = mountPoints.filter((point) => point.name === name);
    if (mounted.length === 0) return [];
    const isReadOnly = mounted.every((point) => point.readOnly === true);
    return [{ name, kind: "host", source, ...(isReadOnly ? { readOnly: true } : {}) }];
  });
}
