// What a process hands down to what it starts besides its identity: umask, resource limits, and how soon the kernel ends it for want of memory.

import { readFileSync, writeFileSync } from "node:fs";
import { hasErrorCode } from "./error.ts";
import { check, libc } from "./libc.ts";

export interface ProcessLimits {
  readonly umask: number;
  readonly oomScoreAdj: number;
  /** By number (getrlimit(2)): soft and hard, as the kernel has them. */
  readonly resources: ReadonlyMap<number, BigUint64Array>;
}

/** RLIMIT_DATA and RLIMIT_AS: who is about to take them over may have more already, and could not even become somebody else. */
const ownSize = [2, 9];

/** From /proc, as prlimit(2) takes a capability for another's. */
export function processLimits(pid: number): ProcessLimits {
  const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, "latin1");
  // In the order of their numbers, in columns: proc_pid_limits(5).
  const [, ...lines] = read("limits").trimEnd().split("\n");
  const limits = lines.map((line) => BigUint64Array.of(limit(line.slice(26, 46)), limit(line.slice(47, 67))));
  return {
    umask: Number.parseInt(/^Umask:\t([0-7]+)$/m.exec(read("status"))?.[1] ?? "022", 8),
    oomScoreAdj: Number(read("oom_score_adj")),
    resources: new Map([...limits.entries()].filter(([resource]) => !ownSize.includes(resource))),
  };
}

function limit(text: string): bigint {
  return text.trim() === "unlimited" ? 2n ** 64n - 1n : BigInt(text.trim());
}

/** Right before process.execve(). What takes a privilege that we lack stays as it is. */
export function takeOver({ umask, oomScoreAdj, resources }: ProcessLimits): void {
  process.umask(umask);
  ignoreRefusal(() => writeFileSync("/proc/self/oom_score_adj", String(oomScoreAdj)));
  for (const [resource, softAndHard] of resources)
    ignoreRefusal(() => check("setrlimit", libc().setrlimit(resource, softAndHard)));
}

function ignoreRefusal(change: () => void): void {
  try {
    change();
  } catch (error) {
    if (!hasErrorCode(error, "EACCES", "EPERM")) throw error;
  }
}
