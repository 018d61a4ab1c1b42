// The shapes of what the machine is and uses: the kubelet's Summary (k8s.io/kubelet/pkg/apis/stats/v1alpha1) and cadvisor's MachineInfo, as
// far as we know them. What could not be measured is missing.

import { count, flag, listOf, object, text, time } from "./json-schema.ts";

const cpu = object({ time, usageNanoCores: count, usageCoreNanoSeconds: count }, ["usageNanoCores"]);

const memory = object(
  {
    time,
    availableBytes: count,
    usageBytes: count,
    workingSetBytes: count,
    rssBytes: count,
    pageFaults: count,
    majorPageFaults: count,
  },
  ["availableBytes"],
);

const interfaceCounters = { name: text, rxBytes: count, rxErrors: count, txBytes: count, txErrors: count };
const network = object(
  { time, ...interfaceCounters, interfaces: listOf(object(interfaceCounters)) },
  ["rxBytes", "rxErrors", "txBytes", "txErrors"], // where no interface has the default route
);

const diskCounters = {
  time,
  availableBytes: count,
  capacityBytes: count,
  usedBytes: count,
  inodes: count,
  inodesFree: count,
  inodesUsed: count,
};
const fileSystem = object(diskCounters);
/** Of a directory: how full its file system is may be unknown, and how many files it has. */
const unknownOfTree = ["availableBytes", "capacityBytes", "inodes", "inodesFree", "inodesUsed"];
const tree = object(diskCounters, unknownOfTree);
const volume = object({ ...diskCounters, name: text }, unknownOfTree);

const containerStats = object({ name: text, startTime: time, cpu, memory, rootfs: tree }, [
  "cpu",
  "memory",
  "rootfs",
]);

const podStats = object(
  {
    podRef: object({ name: text, namespace: text, uid: text }),
    startTime: time,
    containers: listOf(containerStats),
    cpu,
    memory,
    network,
    volume: listOf(volume),
    "ephemeral-storage": tree,
    process_stats: object({ process_count: count }),
  },
  ["cpu", "memory", "network", "volume", "ephemeral-storage", "process_stats"],
);

const nodeStats = object(
  {
    nodeName: text,
    startTime: time,
    cpu,
    memory,
    network,
    fs: fileSystem,
    runtime: object({ imageFs: fileSystem, containerFs: fileSystem }),
    rlimit: object({ time, maxpid: count, curproc: count }, ["maxpid", "curproc"]),
  },
  ["cpu", "memory", "network", "fs", "runtime"],
);

export const usageSchemas = {
  Summary: object({ node: nodeStats, pods: listOf(podStats) }),
  MachineInfo: object({
    num_cores: count,
    num_physical_cores: count,
    num_sockets: count,
    cpu_frequency_khz: count,
    memory_capacity: count,
    swap_capacity: count,
    machine_id: text,
    system_uuid: text,
    boot_id: text,
    filesystems: listOf(object({ device: text, capacity: count, inodes: count, has_inodes: flag })),
    network_devices: listOf(object({ name: text, mac_address: text, mtu: count })),
    cloud_provider: text,
    instance_type: text,
    instance_id: text,
  }),
} as const;
