import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { cgroupLayout, readCgroupUsage, readFirstPid } from "../../src/node/cgroup-usage.ts";
import { type TempDir, tempDir } from "../temp-dir.ts";

const unit = "/gantry.slice/gantry-1.slice/gantry-2-main.service";
const memoryStat =
  "cache 1\nrss 2\ntotal_cache 700\ntotal_rss 300\ntotal_pgfault 9\ntotal_pgmajfault 2\ntotal_inactive_file 250\n";
const unifiedStat = "anon 300\nfile 700\ninactive_file 250\npgfault 9\npgmajfault 2\n";
const unlimited = "9223372036854771712\n";

/** Files of one machine: what is mounted, which cgroup PID 1 is in, and what is there. */
interface Layout {
  readonly mounts: readonly (readonly [target: string, root: string, type: string])[];
  readonly init: string;
  readonly files: Readonly<Record<string, string>>;
}

const layouts: Readonly<Record<string, Layout>> = {
  unified: {
    mounts: [["", "/", "cgroup2 cgroup2 rw,nsdelegate"]],
    init: "0::/init.scope\n",
    files: {
      [`${unit}/cpu.stat`]: "usage_usec 1500\nuser_usec 1000\n",
      [`${unit}/memory.current`]: "1000\n",
      [`${unit}/memory.max`]: "4096\n",
      [`${unit}/memory.stat`]: unifiedStat,
      [`${unit}/pids.current`]: "7\n",
      [`${unit}/cgroup.procs`]: "42\n43\n",
    },
  },
  hybrid: {
    mounts: [
      ["/unified", "/", "cgroup2 cgroup2 rw"],
      ["/systemd", "/", "cgroup cgroup rw,xattr,name=systemd"],
      ["/memory", "/", "cgroup cgroup rw,memory"],
      ["/pids", "/", "cgroup cgroup rw,pids"],
    ],
    init: "4:memory:/\n1:name=systemd:/init.scope\n0::/init.scope\n",
    files: {
      [`unified${unit}/cpu.stat`]: "usage_usec 1500\n",
      [`unified${unit}/cgroup.procs`]: "42\n",
      [`memory${unit}/memory.usage_in_bytes`]: "1000\n",
      [`memory${unit}/memory.limit_in_bytes`]: "4096\n",
      [`memory${unit}/memory.stat`]: memoryStat,
      [`pids${unit}/pids.current`]: "7\n",
    },
  },
  "the old ones alone, in a container": {
    mounts: [
      ["/systemd", "/docker/1", "cgroup cgroup rw,name=systemd"],
      ["/cpu,cpuacct", "/docker/1", "cgroup cgroup rw,cpu,cpuacct"],
      ["/memory", "/docker/1", "cgroup cgroup rw,memory"],
      ["/pids", "/docker/1", "cgroup cgroup rw,pids"],
    ],
    init: "5:cpu,cpuacct:/docker/1\n1:name=systemd:/docker/1/init.scope\n",
    files: {
      [`systemd${unit}/cgroup.procs`]: "42\n",
      [`cpu,cpuacct${unit}/cpuacct.usage`]: "1500000\n",
      [`memory${unit}/memory.usage_in_bytes`]: "1000\n",
      [`memory${unit}/memory.limit_in_bytes`]: "4096\n",
      [`memory${unit}/memory.stat`]: memoryStat,
      [`pids${unit}/pids.current`]: "7\n",
    },
  },
};

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir();
});
afterAll(() => dir[Symbol.asyncDispose]());

async function make(name: string, { mounts, init, files }: Layout) {
  const base = `${dir.path}/${name.replaceAll(/\W+/g, "-")}`;
  for (const [path, text] of Object.entries(files)) {
    const file = `${base}/${path}`;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  const lines = mounts.map(
    ([target, root, rest], at) => `${at} 1 0:${at} ${root} ${base}${target} rw - ${rest}`,
  );
  return cgroupLayout(lines.join("\n"), init);
}

test.each(Object.entries(layouts))("the same unit is counted the same: %s", async (name, layout) => {
  const made = await make(name, layout);
  expect(await readCgroupUsage(made, unit)).toEqual({
    cpuNs: 1_500_000,
    memory: {
      usageBytes: 1000,
      workingSetBytes: 750,
      rssBytes: 300,
      pageFaults: 9,
      majorPageFaults: 2,
      limitBytes: 4096,
    },
    tasks: 7,
  });
  expect(await readFirstPid(made, unit)).toBe(42);
});

test.each([
  ["unified", `${unit}/memory.max`, "max\n"],
  ["hybrid", `memory${unit}/memory.limit_in_bytes`, unlimited],
])("without a limit there is none: %s", async (name, file, text) => {
  const layout = layouts[name] as Layout;
  const made = await make(`${name}-unlimited`, { ...layout, files: { ...layout.files, [file]: text } });
  expect((await readCgroupUsage(made, unit)).memory?.limitBytes).toBeUndefined();
});

test("a unified hierarchy without controllers counts time, and the rest is not known", async () => {
  const made = await make("bare", {
    ...(layouts.unified as Layout),
    files: { [`${unit}/cpu.stat`]: "usage_usec 2\n", [`${unit}/cgroup.procs`]: "0\n" },
  });
  expect(await readCgroupUsage(made, unit)).toEqual({ cpuNs: 2000, memory: undefined, tasks: undefined });
  expect(await readFirstPid(made, unit)).toBeUndefined();
});

test("of a unit that is not there nothing is known", async () => {
  const made = await make("empty", { ...(layouts.unified as Layout), files: {} });
  expect(await readCgroupUsage(made, unit)).toEqual({
    cpuNs: undefined,
    memory: undefined,
    tasks: undefined,
  });
});
