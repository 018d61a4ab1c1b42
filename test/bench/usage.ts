// What a process uses, as /proc tells it.

import { readdir, readFile } from "node:fs/promises";

/** Idle for 10 s it collects its garbage. */
const settleMs = 12_000;

interface Usage {
  /** With the children that it has waited for. */
  readonly cpuMs: number;
  readonly writtenBytes: number;
  readonly pssMiB: number;
}

async function usage(pid: number): Promise<Usage> {
  const text = (name: string) => readFile(`/proc/${pid}/${name}`, "utf8");
  const [stat, io, smaps] = await Promise.all(["stat", "io", "smaps_rollup"].map(text));
  const tasks = await Promise.all(
    (await readdir(`/proc/${pid}/task`)).map((id) => text(`task/${id}/schedstat`).catch(() => "0")),
  );
  const ownNs = tasks.reduce((sum, line) => sum + Number(line.split(" ")[0]), 0);
  // From the state on cutime and cstime, in ticks. Our own would be too coarse in these.
  const fields = (stat ?? "").slice((stat ?? "").lastIndexOf(")") + 2).split(" ");
  return {
    cpuMs: ownNs / 1_000_000 + (Number(fields[13]) + Number(fields[14])) * 10,
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
  await Bun.sleep(settleMs);
  const before = await usage(pid);
  await Bun.sleep(seconds * 1000);
  const after = await usage(pid);
  return {
    cpuPercent: (after.cpuMs - before.cpuMs) / (seconds * 10),
    writtenBytes: after.writtenBytes - before.writtenBytes,
    pssMiB: after.pssMiB,
  };
}
