// What the machine is: GET /spec/ (cadvisor's MachineInfo, its basic fields) and GET /node (v1.Node). Read when asked.

import { readdir, readFile, statfs } from "node:fs/promises";
import { arch, cpus, release, totalmem } from "node:os";
import type { Node, NodeCondition } from "kubernetes-types/core/v1";
import { readTextIfExists } from "../host/files.ts";

export interface MachineFacts {
  readonly num_cores: number;
  readonly num_physical_cores: number;
  readonly num_sockets: number;
  readonly cpu_frequency_khz: number;
  readonly memory_capacity: number;
  readonly swap_capacity: number;
  readonly machine_id: string;
  readonly system_uuid: string;
  readonly boot_id: string;
  readonly filesystems: readonly MachineFileSystem[];
  readonly network_devices: readonly MachineInterface[];
  readonly cloud_provider: "Unknown";
  readonly instance_type: "Unknown";
  readonly instance_id: "None";
}

interface MachineFileSystem {
  /** The directory that is asked for: the device behind it has many names. */
  readonly device: string;
  readonly capacity: number;
  readonly inodes: number;
  readonly has_inodes: boolean;
}

interface MachineInterface {
  readonly name: string;
  readonly mac_address: string;
  readonly mtu: number;
}

/** `directories` are those whose file systems count. */
export async function readMachine(directories: readonly string[]): Promise<MachineFacts> {
  const text = async (path: string) => ((await readTextIfExists(path).catch(() => undefined)) ?? "").trim();
  const [cpuInfo, memInfo, machineId, systemUuid, bootId] = await Promise.all(
    [
      "/proc/cpuinfo",
      "/proc/meminfo",
      "/etc/machine-id",
      "/sys/class/dmi/id/product_uuid",
      "/proc/sys/kernel/random/boot_id",
    ].map(text),
  );
  return {
    ...cores(cpuInfo ?? ""),
    memory_capacity: totalmem(),
    swap_capacity: Number(/^SwapTotal: +(\d+) kB$/m.exec(memInfo ?? "")?.[1] ?? 0) * 1024,
    machine_id: machineId ?? "",
    system_uuid: systemUuid || (machineId ?? ""), // as cadvisor does where there is no DMI
    boot_id: bootId ?? "",
    filesystems: await fileSystems(directories),
    network_devices: await interfaces(),
    cloud_provider: "Unknown",
    instance_type: "Unknown",
    instance_id: "None",
  };
}

/** From /proc/cpuinfo, which tells of cores and sockets only on some machines; else each processor is a core. */
function cores(
  cpuInfo: string,
): Pick<MachineFacts, "num_cores" | "num_physical_cores" | "num_sockets" | "cpu_frequency_khz"> {
  const count = cpus().length;
  const blocks = cpuInfo.split("\n\n").map((block) => {
    const field = (name: string) => new RegExp(`^${name}\\s*: (\\S+)$`, "m").exec(block)?.[1];
    return { socket: field("physical id"), core: field("core id") };
  });
  const known = blocks.filter(({ socket, core }) => socket !== undefined && core !== undefined);
  return {
    num_cores: count,
    num_physical_cores: new Set(known.map(({ socket, core }) => `${socket} ${core}`)).size || count,
    num_sockets: new Set(known.map(({ socket }) => socket)).size || 1,
    cpu_frequency_khz: Math.round(Math.max(0, ...cpus().map(({ speed }) => speed)) * 1000),
  };
}

async function fileSystems(directories: readonly string[]): Promise<readonly MachineFileSystem[]> {
  const found = directories.map(async (device) => {
    const space = await statfs(device).catch(() => undefined); // not made yet
    if (space === undefined) return [];
    const { bsize, blocks, files } = space;
    return [{ device, capacity: blocks * bsize, inodes: files, has_inodes: files > 0 }];
  });
  return (await Promise.all(found)).flat();
}

async function interfaces(): Promise<readonly MachineInterface[]> {
  const names = await readdir("/sys/class/net").catch(() => []);
  const found = names
    .filter((name) => name !== "lo" && !name.startsWith("veth"))
    .map(async (name) => {
      const read = (file: string) => readFile(`/sys/class/net/${name}/${file}`, "latin1").catch(() => "");
      const [address, mtu] = await Promise.all([read("address"), read("mtu")]);
      return { name, mac_address: address.trim(), mtu: Number(mtu) };
    });
  return Promise.all(found);
}

export interface NodeParts {
  readonly name: string;
  /** Empty: not known. */
  readonly address: string;
  readonly conditions: readonly NodeCondition[];
  readonly machine: MachineFacts;
  readonly version: string;
}

/** As the kubelet would describe it to an API server. */
export async function nodeObject({ name, address, conditions, machine, version }: NodeParts): Promise<Node> {
  const release_ = (await readTextIfExists("/etc/os-release").catch(() => undefined)) ?? "";
  const [disk] = machine.filesystems;
  const capacity = {
    cpu: String(machine.num_cores),
    memory: `${Math.floor(machine.memory_capacity / 1024)}Ki`,
    ...(disk && { "ephemeral-storage": `${Math.floor(disk.capacity / 1024)}Ki` }),
  };
  return {
    kind: "Node",
    apiVersion: "v1",
    metadata: { name },
    status: {
      capacity,
      allocatable: capacity,
      conditions: [...conditions],
      addresses: [
        ...(address === "" ? [] : [{ type: "InternalIP", address }]),
        { type: "Hostname", address: name },
      ],
      nodeInfo: {
        machineID: machine.machine_id,
        systemUUID: machine.system_uuid,
        bootID: machine.boot_id,
        kernelVersion: release(),
        osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(release_)?.[1] ?? "",
        containerRuntimeVersion: "rkt://",
        kubeletVersion: `gantry ${version}`,
        kubeProxyVersion: "",
        operatingSystem: "linux",
        architecture: arch() === "x64" ? "amd64" : arch(),
      },
    },
  };
}
