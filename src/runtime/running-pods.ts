// The pods that run, each with where on the machine what it uses is counted: cgroups and directories.

import { appUnitName, podSliceName, podUnitName } from "../pod/names.ts";
import type { Observation, Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import type { RunningContainer, RunningPod, RunningVolume } from "../pod/running-pod.ts";
import type { PodDirectories } from "./pod-directory.ts";

export interface RunningPodsOptions {
  readonly directories: Pick<PodDirectories, "emptyDir">;
  readonly isBuiltin: boolean;
  /** rkt's data directory. */
  readonly rktDir: string;
}

/** `pods` are those that are wanted: only their volumes are known. */
export function runningPods(
  { revisions }: Observation,
  pods: readonly Pod[],
  options: RunningPodsOptions,
): readonly RunningPod[] {
  const volumesOf = new Map(pods.map((pod) => [pod.uid, emptyDirs(pod, options)]));
  const live = revisions.filter(({ state }) => state.kind === "running");
  return [...Map.groupBy(live, ({ podUid }) => podUid)].map(([uid, ofPod]) => {
    const [namespace = "", name = ""] = (ofPod[0]?.key ?? "").split("/");
    // systemd nests slices by the dashes in their names.
    const cgroup = `/gantry.slice/${podSliceName(uid)}`;
    return {
      ...{ uid, namespace, name, cgroup },
      hasOwnNetwork: ofPod.some(({ podIP }) => podIP !== ""),
      startedAtMs: Math.min(...ofPod.map(({ createdAtMs }) => createdAtMs)),
      containers: ofPod.flatMap((revision) => runningContainers(revision, cgroup, options)),
      volumes: volumesOf.get(uid) ?? [],
    };
  });
}

function runningContainers(
  { uuid, apps, createdAtMs, startedAtMs = createdAtMs }: Revision,
  podCgroup: string,
  { isBuiltin, rktDir }: RunningPodsOptions,
): readonly RunningContainer[] {
  const podUnit = `${podCgroup}/${podUnitName(uuid)}`;
  return apps
    .filter(({ state }) => state.kind === "running")
    .map(({ name }) => {
      if (!isBuiltin) {
        // An only app may be the unit's main process (fly); of several, a stage1's systemd has a unit for each.
        const cgroup = apps.length === 1 ? podUnit : `${podUnit}/system.slice/${name}.service`;
        return { name, startedAtMs, cgroup, written: undefined };
      }
      const cgroup = `${podCgroup}/${appUnitName(uuid, name)}`;
      return { name, startedAtMs, cgroup, written: `${rktDir}/pods/run/${uuid}/apps/${name}/upper` };
    });
}

function emptyDirs({ uid, spec }: Pod, { directories }: RunningPodsOptions): readonly RunningVolume[] {
  return spec.volumes.flatMap((volume) => {
    if (volume.kind !== "emptyDir") return [];
    const path = directories.emptyDir(uid, volume.name);
    return [{ name: volume.name, path, isOnDisk: volume.medium === "" }];
  });
}
