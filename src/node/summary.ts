// A sample in the kubelet's form: GET /stats/summary (k8s.io/kubelet/pkg/apis/stats/v1alpha1, Summary). Pure.

import type { Json, JsonObject } from "../pod/json.ts";
import { rfc3339 } from "../pod/time.ts";
import type { MemoryUsage } from "./cgroup-usage.ts";
import type { FileSystemSpace, TreeUsage } from "./disk-usage.ts";
import {
  type ContainerSample,
  type CpuUsage,
  type NetworkUsage,
  type PodSample,
  type Sample,
  writtenBy,
} from "./sample.ts";

export function statsSummary({ wallMs, node, pods }: Sample, nodeName: string): JsonObject {
  const time = rfc3339(wallMs);
  const images = fileSystem(node.imageFs, time);
  return compact({
    node: {
      nodeName,
      startTime: rfc3339(node.startedAtMs),
      cpu: cpu(node.cpu, time),
      memory: memory(node.memory, time),
      network: network(node.network, time),
      fs: fileSystem(node.nodeFs, time),
      runtime: images && { imageFs: images, containerFs: images },
      rlimit: { time, maxpid: node.tasksMax, curproc: node.tasks },
    },
    pods: pods.map((pod) => podStats(pod, { time, nodeFs: node.nodeFs, imageFs: node.imageFs })),
  });
}

interface Surroundings {
  readonly time: string;
  readonly nodeFs: FileSystemSpace | undefined;
  readonly imageFs: FileSystemSpace | undefined;
}

function podStats(sample: PodSample, around: Surroundings): Loose {
  const { pod, containers, volumes, tasks } = sample;
  const trees = writtenBy(sample);
  const { time, nodeFs } = around;
  const volume = [...volumes].map(([name, usage]) => ({ ...treeStats(usage, nodeFs, time), name }));
  return {
    podRef: { name: pod.name, namespace: pod.namespace, uid: pod.uid },
    startTime: rfc3339(pod.startedAtMs),
    containers: containers.map((container) => containerStats(container, around)),
    cpu: cpu(sample.cpu, time),
    memory: memory(sample.memory, time),
    network: network(sample.network, time),
    volume: volume.length > 0 ? volume : undefined,
    "ephemeral-storage": trees.length > 0 ? treeStats(sumOf(trees), nodeFs, time) : undefined,
    process_stats: tasks === undefined ? undefined : { process_count: tasks },
  };
}

function containerStats({ container, written, ...sample }: ContainerSample, around: Surroundings): Loose {
  const { time, imageFs } = around;
  return {
    name: container.name,
    startTime: rfc3339(container.startedAtMs),
    cpu: cpu(sample.cpu, time),
    memory: memory(sample.memory, time),
    rootfs: written && treeStats(written, imageFs, time),
  };
}

function cpu(usage: CpuUsage | undefined, time: string): Loose | undefined {
  return usage && { time, usageNanoCores: usage.nanoCores, usageCoreNanoSeconds: usage.totalNs };
}

function memory(usage: MemoryUsage | undefined, time: string): Loose | undefined {
  return (
    usage && {
      time,
      availableBytes:
        usage.limitBytes === undefined ? undefined : Math.max(0, usage.limitBytes - usage.workingSetBytes),
      usageBytes: usage.usageBytes,
      workingSetBytes: usage.workingSetBytes,
      rssBytes: usage.rssBytes,
      pageFaults: usage.pageFaults,
      majorPageFaults: usage.majorPageFaults,
    }
  );
}

function network(usage: NetworkUsage | undefined, time: string): Loose | undefined {
  if (usage === undefined) return undefined;
  const main = usage.interfaces.find(({ name }) => name === usage.defaultInterface);
  return { time, name: "", ...main, interfaces: usage.interfaces.map((each) => ({ ...each })) };
}

function fileSystem(space: FileSystemSpace | undefined, time: string): Loose | undefined {
  return (
    space && {
      ...spaceStats(space, time),
      usedBytes: space.totalBytes - space.freeBytes,
      inodesUsed: space.inodes - space.inodesFree,
    }
  );
}

/** What a tree holds, and the room on its file system. */
function treeStats({ bytes, inodes }: TreeUsage, space: FileSystemSpace | undefined, time: string): Loose {
  return { ...(space ? spaceStats(space, time) : { time }), usedBytes: bytes, inodesUsed: inodes };
}

function spaceStats({ totalBytes, freeBytes, inodes, inodesFree }: FileSystemSpace, time: string): Loose {
  return { time, availableBytes: freeBytes, capacityBytes: totalBytes, inodes, inodesFree };
}

function sumOf(usages: readonly TreeUsage[]): TreeUsage {
  return {
    bytes: usages.reduce((sum, { bytes }) => sum + bytes, 0),
    inodes: usages.reduce<number>((sum, { inodes }) => sum + (inodes ?? 0), 0),
  };
}

/** JSON whose absent parts are undefined. */
interface Loose {
  readonly [name: string]: Json | Loose | readonly Loose[] | undefined;
}

function compact(value: Loose): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
