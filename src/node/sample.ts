// What the machine, its pods and their containers use, at one moment.
// Invariant: what could not be measured is undefined, never 0.

import type { RunningContainer, RunningPod } from "../pod/running-pod.ts";
import type { MemoryUsage } from "./cgroup-usage.ts";
import type { FileSystemSpace, TreeUsage } from "./disk-usage.ts";
import type { NetworkInterface } from "./proc-files.ts";

export interface Sample {
  /** Milliseconds since the epoch. */
  readonly wallMs: number;
  readonly node: NodeSample;
  readonly pods: readonly PodSample[];
}

export interface NodeSample {
  readonly startedAtMs: number;
  readonly cpu: CpuUsage | undefined;
  readonly memory: MemoryUsage | undefined;
  readonly network: NetworkUsage | undefined;
  /** Of the state directory, and of the images. */
  readonly nodeFs: FileSystemSpace | undefined;
  readonly imageFs: FileSystemSpace | undefined;
  readonly tasks: number | undefined;
  readonly tasksMax: number | undefined;
}

export interface PodSample {
  readonly pod: RunningPod;
  readonly cpu: CpuUsage | undefined;
  readonly memory: MemoryUsage | undefined;
  readonly tasks: number | undefined;
  /** Undefined for a pod in the machine's own network. */
  readonly network: NetworkUsage | undefined;
  readonly containers: readonly ContainerSample[];
  /** By volume. */
  readonly volumes: ReadonlyMap<string, TreeUsage>;
}

export interface ContainerSample {
  readonly container: RunningContainer;
  readonly cpu: CpuUsage | undefined;
  readonly memory: MemoryUsage | undefined;
  readonly written: TreeUsage | undefined;
}

/** Whether something that a pod writes to could be measured, and was not. */
export function isWrittenUnknown({ pod, containers, volumes }: PodSample): boolean {
  return (
    containers.some(({ container, written }) => container.written !== undefined && written === undefined) ||
    pod.volumes.some(({ name, isOnDisk }) => isOnDisk && !volumes.has(name))
  );
}

/** What a pod has written to the disk: into its containers' root file systems, and into volumes. */
export function writtenBy({ pod, containers, volumes }: PodSample): readonly TreeUsage[] {
  return [
    ...containers.flatMap(({ written }) => written ?? []),
    ...pod.volumes.flatMap(({ name, isOnDisk }) => (isOnDisk && volumes.get(name)) || []),
  ];
}

export interface CpuUsage {
  readonly totalNs: number;
  /** Undefined where it was not asked for, or there is no earlier moment to compare with. */
  readonly nanoCores: number | undefined;
}

export interface NetworkUsage {
  /** The name of that with the default route. */
  readonly defaultInterface: string | undefined;
  readonly interfaces: readonly NetworkInterface[];
}
