// `bun run bench`: the numbers that matter to a user, each beside its floor measured in the same run. Never a test of time:
// it prints, and exits 0 whatever the numbers are.

import { readFile, writeFile } from "node:fs/promises";
import { executable } from "../e2e/executable.ts";
import { Machine, run } from "../e2e/machine.ts";
import { manifest } from "../e2e/manifest.ts";
import { waitUntil } from "../wait-until.ts";
import { decodeManifestsMs } from "./decode.ts";
import { podListLoads } from "./pod-list.ts";
import { pullFigures } from "./pull.ts";

interface Row {
  readonly what: string;
  readonly unit: string;
  readonly samples: readonly number[];
  /** Of the same work done by hand, or what is asked for. */
  readonly floor?: readonly number[];
  readonly target: string;
}

const rounds = Number(process.env.BENCH_ROUNDS ?? 20);
const idleSeconds = Number(process.env.BENCH_IDLE_SECONDS ?? 60);
const script = "echo first line; exec sleep 100000";

const wallMs = () => performance.timeOrigin + performance.now();

/** When the app's first line reached the journal, in milliseconds since the epoch. */
function firstLineAtMs(unitPattern: string): Promise<number> {
  return waitUntil(`a line of ${unitPattern}`, async () => {
    const lines = await run(
      "journalctl",
      "-o",
      "json",
      "--output-fields=MESSAGE,_SYSTEMD_UNIT",
      `_SYSTEMD_UNIT=${unitPattern}`,
    );
    const first = lines.split("\n")[0] ?? "";
    return first !== "" && Number(JSON.parse(first).__REALTIME_TIMESTAMP) / 1000;
  });
}

async function uuidOfUnit(before: ReadonlySet<string>, machine: Machine): Promise<string> {
  const unit = await waitUntil("a pod unit", async () =>
    [...(await machine.runningUnits()).keys()].find((name) => !before.has(name)),
  );
  return unit.slice("gantry-".length, -".service".length);
}

async function startOfOnePod(machine: Machine): Promise<number> {
  const before = new Set((await machine.runningUnits()).keys());
  const text = manifest("one", { image: machine.image, scripts: { main: script }, gracePeriod: 0 });
  const startedAtMs = wallMs();
  await machine.write("one.yaml", text);
  const uuid = await uuidOfUnit(before, machine);
  const elapsedMs = (await firstLineAtMs(`gantry-${uuid}-main.service`)) - startedAtMs;
  await machine.remove("one.yaml");
  await waitUntil("the pod to be gone", async () => (await machine.pods()).length === 0);
  return elapsedMs;
}

/** The same by hand: `gantry rkt prepare`, then `systemctl start` of a unit that is ready. */
async function startByHand(machine: Machine): Promise<number> {
  const rkt = [await executable(), "rkt", `--dir=${machine.path}/state/rkt`, "--insecure-options=image"];
  const file = `${machine.path}/pod.json`;
  const imageId = (await run(...rkt, "fetch", "--full", machine.image)).trim();
  const app = { exec: ["/bin/sh", "-c", script], user: "0", group: "0", environment: [] };
  const podManifest = {
    acVersion: "0.8.11",
    acKind: "PodManifest",
    apps: [{ name: "main", image: { id: imageId }, app }],
  };
  await writeFile(file, JSON.stringify(podManifest));
  const beforePrepareMs = wallMs();
  const uuid = (await run(...rkt, "prepare", "--quiet", `--pod-manifest=${file}`)).trim();
  const prepareMs = wallMs() - beforePrepareMs;
  const unit = `gantry-${uuid}.service`;
  const exec = [...rkt, "run-prepared", "--net=host", uuid].join(" ");
  await writeFile(
    `/run/systemd/system/${unit}`,
    `[Service]\nSlice=bench.slice\nKillMode=mixed\nExecStart=${exec}\n`,
  );
  const beforeStartMs = wallMs();
  await run("systemctl", "start", unit);
  const startMs = (await firstLineAtMs(`gantry-${uuid}-main.service`)) - beforeStartMs;
  await run("systemctl", "kill", "--signal=KILL", `gantry-${uuid}-main.service`).catch(() => undefined);
  await run("systemctl", "stop", unit);
  await run(...rkt, "rm", uuid);
  await run("rm", `/run/systemd/system/${unit}`);
  return prepareMs + startMs;
}

async function startToHealthz(machine: Machine): Promise<number> {
  const started = performance.now();
  const argv = [
    await executable(),
    "agent",
    `--manifest-path=${machine.manifests}`,
    `--state-dir=${machine.path}/state2`,
    `--run-dir=${machine.path}/run2`,
    `--unit-dir=${machine.path}/units2`, // one agent for each
    `--listen=unix://${machine.path}/run2.sock`,
    "--rkt-path=builtin",
  ];
  const agent = Bun.spawn(argv, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  let elapsedMs = 0;
  while (elapsedMs === 0) {
    const answer = await fetch("http://gantry/healthz", { unix: `${machine.path}/run2.sock` }).catch(
      () => undefined,
    );
    if (answer?.ok) elapsedMs = performance.now() - started;
    else await Bun.sleep(1);
  }
  agent.kill();
  await agent.exited;
  return elapsedMs;
}

interface Usage {
  readonly cpuMs: number;
  readonly writtenBytes: number;
  readonly pssMiB: number;
}

async function usage(pid: number): Promise<Usage> {
  const [stat, io, smaps] = await Promise.all(
    ["stat", "io", "smaps_rollup"].map((name) => readFile(`/proc/${pid}/${name}`, "utf8")),
  );
  const fields = (stat ?? "").slice((stat ?? "").lastIndexOf(")") + 2).split(" ");
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * 10,
    writtenBytes: Number(/^write_bytes: (\d+)/m.exec(io ?? "")?.[1]),
    pssMiB: Number(/^Pss:\s+(\d+)/m.exec(smaps ?? "")?.[1]) / 1024,
  };
}

/** Includes what children used: cutime and cstime are fields 13 and 14. */
async function childCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

async function dropMany(machine: Machine, count: number): Promise<number> {
  const names = Array.from({ length: count }, (_, index) => `many${index}`);
  const started = performance.now();
  for (const name of names) {
    await machine.write(
      `${name}.yaml`,
      manifest(name, { image: machine.image, scripts: { main: script }, gracePeriod: 0 }),
    );
  }
  const areRunning = async () => {
    await Bun.sleep(100); // an answer is 50 pods of JSON: asked all the time, the asking would be what is measured
    return (await machine.pods()).filter((pod) => pod.status?.phase === "Running").length === count;
  };
  await waitUntil("all to run", areRunning, 120_000);
  const elapsedMs = performance.now() - started;
  for (const name of names) await machine.remove(`${name}.yaml`);
  await machine.confirmDelete();
  await waitUntil("all to be gone", async () => (await machine.pods()).length === 0, 120_000);
  return elapsedMs;
}

async function idle(machine: Machine): Promise<readonly Row[]> {
  for (let index = 0; index < 20; index++) {
    await machine.write(
      `idle${index}.yaml`,
      manifest(`idle${index}`, { image: machine.image, scripts: { main: script }, gracePeriod: 0 }),
    );
  }
  await waitUntil(
    "20 to run",
    async () => (await machine.pods()).filter((pod) => pod.status?.phase === "Running").length === 20,
    60_000,
  );
  await Bun.sleep(5000); // what their start left to do
  const pid = machine.agentPid;
  const [before, childrenBefore] = [await usage(pid), await childCpuMs(pid)];
  await Bun.sleep(idleSeconds * 1000);
  const [after, childrenAfter] = [await usage(pid), await childCpuMs(pid)];
  const ownProcesses = (await run("pgrep", "-x", "gantry")).trim().split("\n").length;
  const percent = (cpuMs: number) => (cpuMs / (idleSeconds * 1000)) * 100;
  return [
    {
      what: "idle with 20 pods: CPU",
      unit: "% of a core",
      samples: [percent(after.cpuMs - before.cpuMs + childrenAfter - childrenBefore)],
      target: "<= 0.2",
    },
    {
      what: "idle with 20 pods: written",
      unit: "bytes",
      samples: [after.writtenBytes - before.writtenBytes],
      target: "0",
    },
    { what: "idle with 20 pods: PSS", unit: "MiB", samples: [after.pssMiB], target: "<= 60" },
    { what: "idle with 20 pods: gantry processes", unit: "", samples: [ownProcesses], target: "1" },
  ];
}

async function pulls(machine: Machine): Promise<readonly Row[]> {
  const { pullMs, floorMs, prepareMs, fetchMiB, agentMiB } = await pullFigures(machine);
  return [
    {
      what: "pull of 5 layers, 200 MB; floor: skopeo copy + umoci unpack",
      unit: "ms",
      samples: pullMs,
      floor: floorMs,
      target: "<= 1.3 x floor",
    },
    { what: "that pull: memory of its process", unit: "MiB", samples: fetchMiB, target: "" },
    { what: "that pull: growth of the agent (PSS)", unit: "MiB", samples: agentMiB, target: "<= 40" },
    { what: "second pod of that image: prepare", unit: "ms", samples: prepareMs, target: "<= 60" },
  ];
}

async function podList(): Promise<readonly Row[]> {
  const { list, plain } = await podListLoads();
  return [
    {
      what: "GET /pods of 110 pods, 16 connections; floor: a plain route with those bytes",
      unit: "per second",
      samples: [list.perSecond],
      floor: [plain.perSecond],
      target: ">= 3000, >= floor / 1.5",
    },
    {
      what: "that: one answer",
      unit: "ms (p99)",
      samples: [list.p99Ms],
      floor: [plain.p99Ms],
      target: "<= 10",
    },
  ];
}

async function repeat(measure: () => Promise<number>): Promise<readonly number[]> {
  await measure(); // the first one fetches, imports, fills caches
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) samples.push(await measure());
  return samples;
}

function percentile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

function print(rows: readonly Row[]): void {
  const shown = (value: number) =>
    Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);
  console.table(
    rows.map(({ what, unit, samples, floor, target }) => ({
      what,
      unit,
      median: shown(percentile(samples, 0.5)),
      p99: shown(percentile(samples, 0.99)),
      floor: floor === undefined ? "" : shown(percentile(floor, 0.5)),
      ratio: floor === undefined ? "" : (percentile(samples, 0.5) / percentile(floor, 0.5)).toFixed(2),
      target,
    })),
  );
}

await using machine = await Machine.create();
await machine.startAgent();
const rows: Row[] = [
  {
    what: "manifest in the directory -> app's first line",
    unit: "ms",
    samples: await repeat(() => startOfOnePod(machine)),
    floor: await repeat(() => startByHand(machine)),
    target: "<= 300, <= 2.5 x floor",
  },
  {
    what: "executable started -> /healthz 200",
    unit: "ms",
    samples: await repeat(() => startToHealthz(machine)),
    target: "<= 60",
  },
  {
    what: "50 pods at once -> all Running",
    unit: "ms",
    samples: [await dropMany(machine, 50), await dropMany(machine, 50)],
    target: "<= 3000",
  },
  {
    what: "1,000 manifests -> pods",
    unit: "ms",
    samples: [decodeManifestsMs(1000), decodeManifestsMs(1000), decodeManifestsMs(1000)],
    floor: [decodeManifestsMs(500)],
    target: "<= 2000, 2 x floor",
  },
  ...(await podList()),
  ...(await pulls(machine)),
  ...(await idle(machine)),
];
print(rows);
