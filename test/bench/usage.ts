// What a process uses, as /proc tells it.

import { readdir, readFile } from "node:fs/promises";

/** Idle for 10 s it collects its garbage. */
const settleMs = 12_000;

interface Usage {
  /** Of each thread that is there. */
  readonly threadMs: ReadonlyMap<string, number>;
  /** Of the children that it has waited for. */
  readonly childMs: number;
  readonly writtenBytes: number;
  readonly pssMiB: number;
}

async function usage(pid: number): Promise<Usage> {
  const text = (name: string) => readFile(`/proc/${pid}/${name}`, "utf8");
  const [stat = "", io = "", smaps = ""] = await Promise.all(["stat", "io", "smaps_rollup"].map(text));
  const threads = (await readdir(`/proc/${pid}/task`)).map(async (id) => {
    const schedstat = await text(`task/${id}/schedstat`).catch(() => "0");
    return [id, Number(schedstat.split(" ")[0]) / 1_000_000] as const;
  });
  // From the state on cutime and cstime, in ticks. Our own would be too coarse in these.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    threadMs: new Map(await Promise.all(threads)),
    childMs: (Number(fields[13]) + Number(fields[14])) * 10,
    writtenBytes: Number(/^write_bytes: (\d+)/m.exec(io)?.[1]),
    pssMiB: Number(/^Pss:\s+(\d+)/m.exec(smaps)?.[1]) / 1024,
  };
}

/** Less what threads have used that have ended meanwhile. */
function cpuMs(before: Usage, after: Usage): number {
  const threads = [...after.threadMs].map(([id, ms]) => ms - (before.threadMs.get(id) ?? 0));
  return threads.reduce((sum, ms) => sum + ms, after.childMs - before.childMs);
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
    cpuPercent: cpuMs(before, after) / (seconds * 10),
    writtenBytes: after.writtenBytes - before.writtenBytes,
    pssMiB: after.pssMiB,
  };
}
