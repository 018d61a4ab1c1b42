// What a unit uses, as its cgroups tell: on the unified hierarchy, on the old ones, or on both side by side.
// Invariant: what no controller counts is undefined, never 0.

import { readFile } from "node:fs/promises";
import { type CgroupMount, cgroupDirectory, cgroupMounts, cgroupPaths } from "../host/cgroups.ts";
import { hasErrorCode } from "../host/error.ts";

export interface CgroupLayout {
  readonly mounts: ReadonlyMap<string, CgroupMount>;
  /** systemd's own root, below which its units are: empty, but in a container that shares the host's hierarchy. */
  readonly root: string;
}

export interface CgroupUsage {
  readonly cpuNs: number | undefined;
  readonly memory: MemoryUsage | undefined;
  /** Processes and threads. */
  readonly tasks: number | undefined;
}

export interface MemoryUsage {
  readonly usageBytes: number;
  /** Without what could be dropped at once: the kubelet's measure. */
  readonly workingSetBytes: number;
  readonly rssBytes: number;
  readonly pageFaults: number;
  readonly majorPageFaults: number;
  readonly limitBytes: number | undefined;
}

export async function readCgroupLayout(): Promise<CgroupLayout> {
  const [mountInfo, init] = await Promise.all([
    readFile("/proc/self/mountinfo", "utf8"),
    readFile("/proc/1/cgroup", "utf8"),
  ]);
  return cgroupLayout(mountInfo, init);
}

/** From the texts of /proc/self/mountinfo and /proc/1/cgroup. */
export function cgroupLayout(mountInfoText: string, initCgroupText: string): CgroupLayout {
  const mounts = cgroupMounts(mountInfoText);
  const systemds = mounts.has("") ? "" : "name=systemd";
  const init = cgroupPaths(initCgroupText).get(systemds) ?? "/";
  return { mounts, root: init.replace(/\/init\.scope$|\/$/, "") };
}

/** `path` as systemd names a unit's: `/gantry.slice/gantry-1.slice`. A cgroup that is not there uses nothing that is known. */
export async function readCgroupUsage(layout: CgroupLayout, path: string): Promise<CgroupUsage> {
  const [cpuNs, memory, tasks] = await Promise.all([
    readCgroupCpuNs(layout, path),
    readMemory(layout, path),
    readTasks(layout, path),
  ]);
  return { cpuNs, memory, tasks };
}

/** Any process of a cgroup; undefined if there is none. */
export async function readFirstPid(layout: CgroupLayout, path: string): Promise<number | undefined> {
  const text =
    (await readIn(layout, "", path, "cgroup.procs")) || // nothing is in there on a machine that has the old ones alone
    (await readIn(layout, "name=systemd", path, "cgroup.procs"));
  const [pid = ""] = (text ?? "").split("\n", 1);
  return Number(pid) > 0 ? Number(pid) : undefined; // 0: one of another PID namespace
}

/** Where there is a unified hierarchy it counts time also without the controller, which the old one of a unit may well lack. */
export async function readCgroupCpuNs(layout: CgroupLayout, path: string): Promise<number | undefined> {
  const stat = await readIn(layout, "", path, "cpu.stat");
  const us = stat === undefined ? undefined : parseKeyed(stat).get("usage_usec");
  if (us !== undefined) return us * 1000;
  return number(await readIn(layout, "cpuacct", path, "cpuacct.usage"));
}

async function readMemory(layout: CgroupLayout, path: string): Promise<MemoryUsage | undefined> {
  const isOld = layout.mounts.has("memory");
  const read = (old: string, unified: string) =>
    readIn(layout, isOld ? "memory" : "", path, isOld ? old : unified);
  const [usage, limit, stat] = await Promise.all([
    read("memory.usage_in_bytes", "memory.current"),
    read("memory.limit_in_bytes", "memory.max"),
    read("memory.stat", "memory.stat"),
  ]);
  const usageBytes = number(usage);
  if (usageBytes === undefined || stat === undefined) return undefined;
  const values = parseKeyed(stat);
  const value = (old: string, unified: string) => values.get(isOld ? `total_${old}` : unified) ?? 0;
  const limitBytes = number(limit); // `max` is none, and so is the greatest multiple of a page that the old one can say
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - value("inactive_file", "inactive_file")),
    rssBytes: value("rss", "anon"),
    pageFaults: value("pgfault", "pgfault"),
    majorPageFaults: value("pgmajfault", "pgmajfault"),
    limitBytes: limitBytes === undefined || limitBytes > 2 ** 62 ? undefined : limitBytes,
  };
}

async function readTasks(layout: CgroupLayout, path: string): Promise<number | undefined> {
  const controller = layout.mounts.has("pids") ? "pids" : "";
  return number(await readIn(layout, controller, path, "pids.current"));
}

/** Undefined where there is no such file, or no such cgroup any more. */
async function readIn(
  { mounts, root }: CgroupLayout,
  controller: string,
  path: string,
  file: string,
): Promise<string | undefined> {
  const mount = mounts.get(controller);
  if (mount === undefined) return undefined;
  try {
    return await readFile(`${cgroupDirectory(mount, root + path)}/${file}`, "utf8");
  } catch (error) {
    if (hasErrorCode(error, "ENOENT", "ENODEV", "EOPNOTSUPP", "ENOTDIR")) return undefined;
    throw error;
  }
}

function parseKeyed(text: string): ReadonlyMap<string, number> {
  return new Map(
    text.split("\n").flatMap((line) => {
      const [key = "", value] = line.split(" ");
      return value === undefined ? [] : [[key, Number(value)] as const];
    }),
  );
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined;
}
