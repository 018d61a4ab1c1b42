// What the machine has left, read as cheaply as can be: every ten seconds for as long as the agent runs (0.2 ms).

import { readFileSync, type StatsFs, statfsSync } from "node:fs";
import { hasErrorCode } from "../host/error.ts";
import { parseMachineMemory, parseTaskCount } from "./proc-files.ts";
import type { Signal, SignalName, Signals } from "./threshold.ts";

export interface SignalSources {
  readonly stateDir: string;
  /** Where the images are. */
  readonly imageDir: string;
}

/** Only those `wanted`; what cannot be read is left out. */
export function readSignals({ stateDir, imageDir }: SignalSources, wanted: ReadonlySet<SignalName>): Signals {
  const signals = new Map<SignalName, Signal>();
  const add = (name: SignalName, signal: Signal | undefined) => {
    if (signal && wanted.has(name)) signals.set(name, signal);
  };
  if (wanted.has("memory.available")) add("memory.available", memorySignal());
  if (wanted.has("pid.available")) add("pid.available", taskSignal());
  const disks = [
    ["nodefs", stateDir],
    ["imagefs", imageDir],
  ] as const;
  for (const [name, path] of disks) {
    if (!wanted.has(`${name}.available`) && !wanted.has(`${name}.inodesFree`)) continue;
    const space = spaceOf(path);
    if (space === undefined) continue;
    const { bsize, blocks, bavail, files, ffree } = space;
    add(`${name}.available`, { available: bavail * bsize, capacity: blocks * bsize });
    if (files > 0) add(`${name}.inodesFree`, { available: ffree, capacity: files }); // btrfs makes them as needed: 0
  }
  return signals;
}

function memorySignal(): Signal | undefined {
  const memory = parseMachineMemory(readFileSync("/proc/meminfo", "latin1"));
  return memory && { available: memory.availableBytes, capacity: memory.totalBytes };
}

function taskSignal(): Signal | undefined {
  const count = parseTaskCount(readFileSync("/proc/loadavg", "latin1"));
  const capacity = taskCountMax();
  return count === undefined ? undefined : { available: capacity - count, capacity };
}

/** How many processes and threads there may be. */
export function taskCountMax(): number {
  const limits = ["pid_max", "threads-max"].map((name) =>
    Number(readFileSync(`/proc/sys/kernel/${name}`, "latin1")),
  );
  return Math.min(...limits);
}

/** Undefined: there is no such directory yet. */
function spaceOf(path: string): StatsFs | undefined {
  try {
    return statfsSync(path);
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
