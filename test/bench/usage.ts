// What a process uses, as /proc tells it.

import { readFile } from "node:fs/promises";

interface Usage {
  /** With the children that it has waited for. */
  readonly cpuMs: number;
  readonly writtenBytes: number;
  readonly pssMiB: number;
}

async function usage(pid: number): Promise<Usage> {
  const [stat, io, smaps] = await Promise.all(
    ["stat", "io", "smaps_rollup"].map((name) => readFile(`/proc/${pid}/${name}`, "utf8")),
  );
  // From the state on: utime, stime, cutime and cstime.
  const fields = (stat ?? "").slice((stat ?? "").lastIndexOf(")") + 2).split(" ");
  return {
    cpuMs: fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0),
    writtenBytes: Number(/^write_bytes: (\d+)/m.exec(io ?? "")?.[1]),
    pssMiB: Number(/^Pss:\s+(\d+)/m.exec(smaps ?? "")?.[1]) / 1024,
  };
}

interface Rest {
  readonly cpuPercent: number;
  readonly writtenBytes: number;
  readonly pssMiB: number;
}

/** What it uses while nothing happens, after what was still to do. */
export async function usageAtRest(pid: number, seconds: number): Promise<Rest> {
  await Bun.sleep(8000);
  const before = await usage(pid);
  await Bun.sleep(seconds * 1000);
  const after = await usage(pid);
  return {
    cpuPercent: (after.cpuMs - before.cpuMs) / (seconds * 10),
    writtenBytes: after.writtenBytes - before.writtenBytes,
    pssMiB: after.pssMiB,
  };
}
