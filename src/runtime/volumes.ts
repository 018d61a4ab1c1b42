// The host paths behind a pod's volumes. Invariant: what is made here is made before the pod and by us alone.

import { chmod, mkdir, stat } from "node:fs/promises";
import { errorChain, hasErrorCode } from "../host/error.ts";
import type { Pod } from "../pod/pod.ts";
import type { Volume } from "../pod/volume.ts";
import { RuntimeError } from "../reconcile/runtime.ts";
import type { ResolvedMount } from "../rkt/mounts.ts";
import type { PodDirectories } from "./pod-directory.ts";

/** Makes what is missing; the host path of each volume by name. Throws RuntimeError (FailedMount). */
export async function setUpVolumes(
  pod: Pod,
  directories: PodDirectories,
): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>();
  for (const volume of pod.spec.volumes) {
    try {
      paths.set(volume.name, await setUpVolume(pod, volume, directories));
    } catch (error) {
      throw new RuntimeError("FailedMount", `Cannot set up volume "${volume.name}": ${errorChain(error)}`);
    }
  }
  return paths;
}

/** By container: where its mounts lie on the host. */
export function mountsOf(
  pod: Pod,
  paths: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly ResolvedMount[]> {
  return new Map(
    pod.spec.containers.map(({ name, volumeMounts }) => [
      name,
      volumeMounts.map(({ name: volume, mountPath, readOnly, mountPropagation }) => {
        const hostPath = paths.get(volume);
        if (hostPath === undefined) throw new RuntimeError("FailedMount", `There is no volume "${volume}"`);
        return { hostPath, mountPath, readOnly, propagation: mountPropagation };
      }),
    ]),
  );
}

async function setUpVolume(pod: Pod, volume: Volume, directories: PodDirectories): Promise<string> {
  switch (volume.kind) {
    case "hostPath":
      await makeMissingDirectory(volume.path);
      return volume.path;
    case "emptyDir": {
      const path = directories.emptyDir(pod.uid, volume.name);
      await mkdir(path, { recursive: true });
      await chmod(path, 0o777); // any user of the pod's may write, as with the kubelet
      return path;
    }
    case "projected":
      throw new Error("projected volumes are not supported yet");
    default:
      return volume satisfies never;
  }
}

/** A hostPath without a type may be anything; what is missing becomes a directory, as container runtimes do it. */
async function makeMissingDirectory(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (error) {
    if (!hasErrorCode(error, "ENOENT")) throw error;
    await mkdir(path, { recursive: true, mode: 0o755 });
  }
}
