// Measures what the machine and its pods use.
// Invariant: reads only when asked; keeps of the past no more than one count of CPU time for each cgroup that is there.

import { readFile } from "node:fs/promises";
import type { Clock } from "../host/clock.ts";
import { readTextIfExists } from "../host/files.ts";
import type { RunningPod } from "../pod/running-pod.ts";
import {
  type CgroupLayout,
  readCgroupCpuNs,
  readCgroupLayout,
  readCgroupUsage,
  readFirstPid,
} from "./cgroup-usage.ts";
import { type DiskUsage, readSpace } from "./disk-usage.ts";
import {
  parseDefaultInterface,
  parseInterfaces,
  parseMachineCpuNs,
  parseMachineMemory,
  parsePageFaults,
  parseTaskCount,
} from "./proc-files.ts";
import type { ContainerSample, CpuUsage, NetworkUsage, NodeSample, PodSample, Sample } from "./sample.ts";
import { taskCountMax } from "./signals.ts";

export interface SamplerOptions {
  readonly disk: Pick<DiskUsage, "of">;
  /** Whose file systems the node's and the images' are. */
  readonly stateDir: string;
  readonly imageDir: string;
  readonly clock: Clock;
  /** Resolves after so long. */
  readonly delay: (ms: number) => Promise<void>;
}

export interface Wanted {
  /** How busy the CPU is, which takes half a second where nobody has asked for a while. */
  readonly rates: boolean;
  /** Until when what is in the pods' directories is counted; undefined: not at all. */
  readonly disk: AbortSignal | undefined;
}

interface CpuCount {
  readonly totalNs: number;
  readonly atMs: number;
  readonly nanoCores: number | undefined;
}

const rateMsMin = 400;
const rateMsMax = 5 * 60_000;
/** No cgroup's name. */
const nodeKey = "";

export class Sampler {
  readonly #options: SamplerOptions;
  #layout: Promise<CgroupLayout> | undefined;
  #counts: ReadonlyMap<string, CpuCount> = new Map();

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  async sample(pods: readonly RunningPod[], { rates, disk }: Wanted): Promise<Sample> {
    this.#layout ??= readCgroupLayout();
    const layout = await this.#layout;
    if (rates) await this.#measureRates(pods, layout);
    const counts = rates ? this.#counts : new Map<string, CpuCount>();
    const directories = pods.flatMap(directoriesOf);
    const usageOf = disk
      ? await this.#options.disk.of(directories, disk)
      : new Map<string, { bytes: number; inodes: number | undefined }>();
    return {
      wallMs: this.#options.clock.wallMs(),
      node: await this.#node(counts.get(nodeKey)?.nanoCores),
      pods: await Promise.all(pods.map((pod) => samplePod(pod, { layout, counts, usageOf }))),
    };
  }

  /** Takes a second count where there is none to compare with. */
  async #measureRates(pods: readonly RunningPod[], layout: CgroupLayout): Promise<void> {
    const keys = pods.flatMap(({ cgroup, containers }) => [cgroup, ...containers.map((each) => each.cgroup)]);
    await this.#countCpu(keys, layout);
    if ([...this.#counts.values()].every(({ nanoCores }) => nanoCores !== undefined)) return;
    await this.#options.delay(rateMsMin + 100);
    await this.#countCpu(keys, layout);
  }

  async #countCpu(cgroups: readonly string[], layout: CgroupLayout): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    const totals = await Promise.all([
      readFile("/proc/stat", "latin1").then((text) => [nodeKey, parseMachineCpuNs(text)] as const),
      ...cgroups.map(async (cgroup) => [cgroup, await readCgroupCpuNs(layout, cgroup)] as const),
    ]);
    const counts = new Map<string, CpuCount>();
    for (const [key, totalNs] of totals)
      if (totalNs !== undefined) counts.set(key, nextCount(this.#counts.get(key), totalNs, nowMs));
    this.#counts = counts;
  }

  async #node(nanoCores: number | undefined): Promise<NodeSample> {
    const { stateDir, imageDir, clock } = this.#options;
    const text = (path: string) => readFile(path, "latin1");
    const [stat, meminfo, vmstat, devices, routes, load, nodeFs, imageFs] = await Promise.all([
      text("/proc/stat"),
      text("/proc/meminfo"),
      text("/proc/vmstat"),
      text("/proc/net/dev"),
      readTextIfExists("/proc/net/route"), // none without IPv4
      text("/proc/loadavg"),
      readSpace(stateDir),
      readSpace(imageDir),
    ]);
    const totalNs = parseMachineCpuNs(stat);
    const memory = parseMachineMemory(meminfo);
    const faults = parsePageFaults(vmstat);
    return {
      startedAtMs: clock.wallMs() - clock.nowMs(),
      cpu: totalNs === undefined ? undefined : { totalNs, nanoCores },
      memory: memory && {
        usageBytes: memory.totalBytes - memory.freeBytes,
        // The kubelet counts all that was read twice as in use, and evicts for it (kubernetes#43916). The kernel knows better.
        workingSetBytes: memory.totalBytes - memory.availableBytes,
        rssBytes: memory.rssBytes,
        pageFaults: faults.all,
        majorPageFaults: faults.major,
        limitBytes: memory.totalBytes,
      },
      network: {
        defaultInterface: parseDefaultInterface(routes ?? ""),
        interfaces: parseInterfaces(devices),
      },
      nodeFs,
      imageFs,
      tasks: parseTaskCount(load),
      tasksMax: taskCountMax(),
    };
  }
}

function nextCount(last: CpuCount | undefined, totalNs: number, atMs: number): CpuCount {
  const passedMs = last === undefined ? Number.POSITIVE_INFINITY : atMs - last.atMs;
  if (last === undefined || passedMs > rateMsMax || totalNs < last.totalNs)
    return { totalNs, atMs, nanoCores: undefined };
  if (passedMs < rateMsMin) return last; // too short to say anything
  return { totalNs, atMs, nanoCores: Math.round(((totalNs - last.totalNs) / passedMs) * 1000) };
}

interface Measures {
  readonly layout: CgroupLayout;
  readonly counts: ReadonlyMap<string, CpuCount>;
  readonly usageOf: ReadonlyMap<string, { readonly bytes: number; readonly inodes: number | undefined }>;
}

async function samplePod(pod: RunningPod, measures: Measures): Promise<PodSample> {
  const { layout, counts, usageOf } = measures;
  const cpu = (totalNs: number | undefined, cgroup: string): CpuUsage | undefined =>
    totalNs === undefined ? undefined : { totalNs, nanoCores: counts.get(cgroup)?.nanoCores };
  const containers = pod.containers.map(async (container): Promise<ContainerSample> => {
    const { cpuNs, memory } = await readCgroupUsage(layout, container.cgroup);
    const written = usageOf.get(container.written ?? "");
    return { container, cpu: cpu(cpuNs, container.cgroup), memory, written };
  });
  const { cpuNs, memory, tasks } = await readCgroupUsage(layout, pod.cgroup);
  return {
    pod,
    cpu: cpu(cpuNs, pod.cgroup),
    memory,
    tasks,
    network: await readNetwork(pod, measures),
    containers: await Promise.all(containers),
    volumes: new Map(
      pod.volumes.flatMap(({ name, path }) => {
        const usage = usageOf.get(path);
        return usage ? [[name, usage] as const] : [];
      }),
    ),
  };
}

/** As a process of the pod sees it. */
async function readNetwork(
  { containers, hasOwnNetwork }: RunningPod,
  { layout }: Measures,
): Promise<NetworkUsage | undefined> {
  if (!hasOwnNetwork) return undefined;
  for (const { cgroup } of containers) {
    const pid = await readFirstPid(layout, cgroup);
    if (pid === undefined) continue;
    const text = await readTextIfExists(`/proc/${pid}/net/dev`).catch(() => undefined); // it has just ended
    if (text === undefined) continue;
    const interfaces = parseInterfaces(text);
    return { defaultInterface: interfaces[0]?.name, interfaces };
  }
  return undefined;
}

function directoriesOf({ containers, volumes }: RunningPod): readonly string[] {
  return [...containers.flatMap(({ written }) => written ?? []), ...volumes.map(({ path }) => path)];
}
