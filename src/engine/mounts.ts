// Which volume of a pod is mounted where in an app. Pure.

import type { AppcPodManifest, AppcRuntimeApp, AppcVolume } from "../rkt/appc.ts";
import { EngineError } from "./engine-error.ts";

export interface AppMount {
  readonly volume: AppcVolume;
  /** Absolute, in the app. */
  readonly path: string;
  /** On the host; undefined for an empty volume, which lies in the pod's directory, and for the image's own content. */
  readonly source: string | undefined;
  /** What the image has there, and the app may write. */
  readonly isOwn: boolean;
  readonly readOnly: boolean;
}

/**
 * The app's mount points by the volume of the same name, then its explicit mounts, which win where both have one path. A mount point without a
 * volume gets an empty one, as rkt has it, or, with an image of docker's, what the image has there, as docker has it; a mount without one is an
 * error. An app without an `app` section has only mounts.
 */
export function appMounts(
  manifest: AppcPodManifest,
  app: AppcRuntimeApp,
  imageKind: "appc" | "docker" = "appc",
): readonly AppMount[] {
  const volumes = new Map((manifest.volumes ?? []).map((volume) => [volume.name, volume]));
  const mounts = new Map<string, AppMount>();
  for (const { name, path, readOnly } of app.app?.mountPoints ?? []) {
    const volume = volumes.get(name);
    const mount = toMount(volume ?? { name, kind: "empty" }, path, readOnly === true);
    mounts.set(path, { ...mount, isOwn: volume === undefined && imageKind === "docker" });
  }
  for (const { volume, path, appVolume } of app.mounts ?? []) {
    const found = appVolume ?? volumes.get(volume);
    if (!found)
      throw new EngineError(`app "${app.name}" mounts volume "${volume}", which the pod does not have`);
    const point = app.app?.mountPoints?.find((candidate) => candidate.path === path);
    mounts.set(path, toMount(found, path, point?.readOnly === true));
  }
  return [...mounts.values()];
}

function toMount(volume: AppcVolume, path: string, readOnly: boolean): AppMount {
  return {
    volume,
    path,
    source: volume.kind === "host" ? volume.source : undefined,
    isOwn: false,
    readOnly: readOnly || volume.readOnly === true,
  };
}

/** A mount with its place on the host settled. */
export interface BindMount {
  /** On the host, absolute; undefined: what the app's root has there itself, which so can be written though that cannot. */
  readonly source: string | undefined;
  /** In the app, absolute. */
  readonly path: string;
  readonly readOnly: boolean;
  readonly recursive: boolean;
}
