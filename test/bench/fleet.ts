// An agent with 110 pods: what it costs while nothing happens, how it is restarted, and how fast it tells of them.

import { writeFile } from "node:fs/promises";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { agentEnvironment } from "../../src/cli/agent-unit.ts";
import { executable } from "../e2e/executable.ts";
import { isReady, Machine, run } from "../e2e/machine.ts";
import { reloads } from "../e2e/reloads.ts";
import { waitUntil } from "../wait-until.ts";
import { benchPod } from "./bench-pod.ts";
import type { Figure } from "./figure.ts";
import { type Load, loadOf } from "./http-load.ts";
import { onThePage } from "./page.ts";
import { repeat } from "./rounds.ts";
import { usageAtRest } from "./usage.ts";

const fewPods = 20;
const podCount = 110;
const firstPort = 21_000;
const idleSeconds = Number(process.env.BENCH_IDLE_SECONDS ?? 20);

export async function fleetFigures(): Promise<readonly Figure[]> {
  await using machine = await Machine.create({
    flags: ["--listen=http://127.0.0.1:0"],
    env: agentEnvironment,
  });
  await machine.startAgent();
  await writePods(machine, fewPods, "plain");
  const few = await idleFigures(machine, fewPods, { cpu: 0.2, MiB: 60 });
  await writePods(machine, podCount, "plain");
  const plain = await idleFigures(machine, podCount, { cpu: 0.3, MiB: 70 });
  await writePods(machine, podCount, "probed"); // in place
  const probed = await idleFigures(machine, podCount, { cpu: 3, MiB: 70 }, ", a httpGet probe each 10 s");
  return [
    ...few,
    ...plain,
    ...probed,
    ...(await restartFigures(machine)),
    ...(await podListFigures(machine)),
    await commandFigure(machine),
    await pageFigure(machine),
  ];
}

async function writePods(machine: Machine, count: number, kind: "plain" | "probed"): Promise<void> {
  for (let index = 0; index < count; index++) {
    const port = firstPort + index;
    const name = `pod-${index}`;
    const script = `mkdir -p /www; echo ok >/www/index.html; exec httpd -f -p 127.0.0.1:${port} -h /www`;
    const probe = `      readinessProbe: {httpGet: {host: 127.0.0.1, port: ${port}}, periodSeconds: 10}\n`;
    const more = kind === "probed" ? probe : "";
    await machine.write(`${name}.yaml`, benchPod({ name, image: machine.image, script, more }));
  }
  const areReady = async () => {
    await Bun.sleep(500); // asked all the time, the asking would be what is measured
    return (await machine.pods()).filter(isReady).length === count;
  };
  await waitUntil("all to be Ready", areReady, 180_000);
}

async function idleFigures(
  machine: Machine,
  count: number,
  atMost: { readonly cpu: number; readonly MiB: number },
  how = "",
): Promise<readonly Figure[]> {
  const rest = await usageAtRest(machine.agentPid, idleSeconds);
  const processes = (await run("pgrep", "-x", "gantry")).trim().split("\n").length;
  const what = (of: string) => `idle with ${count} pods${how}: ${of}`;
  return [
    { what: what("CPU"), unit: "% of a core", samples: [rest.cpuPercent], target: { atMost: atMost.cpu } },
    { what: what("written"), unit: "bytes", samples: [rest.writtenBytes], target: { atMost: 0 } },
    { what: what("PSS"), unit: "MiB", samples: [rest.pssMiB], target: { atMost: atMost.MiB } },
    { what: what("processes"), unit: "", samples: [processes], target: { atMost: 1 } },
  ];
}

async function restartFigures(machine: Machine): Promise<readonly Figure[]> {
  const units = await machine.runningUnits();
  const reloadsBefore = await reloads();
  const samples = await repeat(5, async () => {
    await machine.stopAgent();
    const startedMs = performance.now();
    await machine.startAgent("/healthz");
    await waitUntil(
      "all to be known",
      async () => (await knownPods(machine)).filter(isReady).length === podCount,
    );
    return performance.now() - startedMs;
  });
  const after = await machine.runningUnits();
  const touched = [...units].filter(([name, invocation]) => after.get(name) !== invocation).length;
  const what = `agent's restart with ${podCount} pods`;
  return [
    { what: `${what} -> all known and Ready`, unit: "ms", samples, target: { atMost: 1000 } },
    { what: `${what}: pods touched`, unit: "", samples: [touched], target: { atMost: 0 } },
    {
      what: `${what}, ${samples.length + 1} times: systemd's reloads`,
      unit: "",
      samples: [(await reloads()) - reloadsBefore],
      target: { atMost: 0 },
    },
  ];
}

/** None until it answers. */
function knownPods(machine: Machine): Promise<readonly Pod[]> {
  return machine.pods().catch(() => []);
}

async function podListFigures(machine: Machine): Promise<readonly Figure[]> {
  const list = await loadOf(tcpPort(machine), "/pods");
  const plain = await plainLoad(machine);
  const what = `GET /pods of ${podCount} pods, 16 connections`;
  return [
    {
      what: `${what}; floor: a plain route with those bytes`,
      unit: "per second",
      samples: [list.perSecond],
      floor: [plain.perSecond],
      target: { atLeast: 3000 },
    },
    {
      what: `${what}: time for one; floor: as before`,
      unit: "ms",
      samples: [1000 / list.perSecond],
      floor: [1000 / plain.perSecond],
      target: { ratioAtMost: 1.5 },
    },
    { what: `${what}: p99`, unit: "ms", samples: [list.p99Ms], floor: [plain.p99Ms], target: { atMost: 10 } },
  ];
}

/** The last agent's. */
function tcpPort(machine: Machine): number {
  return Number([...machine.log.matchAll(/address=http:\/\/127\.0\.0\.1:(\d+)/g)].at(-1)?.[1]);
}

async function plainLoad(machine: Machine): Promise<Load> {
  const file = `${machine.path}/pods.json`;
  await writeFile(file, await (await machine.get("/pods")).bytes());
  const script = Bun.fileURLToPath(import.meta.resolve("./plain-server.ts"));
  const server = Bun.spawn([process.execPath, script, file], { stdout: "pipe" });
  try {
    const { value } = await server.stdout.getReader().read();
    return await loadOf(Number(new TextDecoder().decode(value)), "/pods");
  } finally {
    server.kill();
    await server.exited;
  }
}

async function commandFigure(machine: Machine): Promise<Figure> {
  const argv = [await executable(), "get", "pods", `--server=unix://${machine.socket}`];
  return {
    what: `gantry get pods, of ${podCount}`,
    unit: "ms",
    samples: await repeat(20, async () => {
      const startedMs = performance.now();
      const table = await run(...argv);
      if (!table.includes(`pod-${podCount - 1}-node`)) throw new Error(`not all pods: ${table}`);
      return performance.now() - startedMs;
    }),
    target: { atMost: 60 },
  };
}

async function pageFigure(machine: Machine): Promise<Figure> {
  return {
    what: `app's death -> shown by the page, ${podCount} pods`,
    unit: "ms",
    samples: await onThePage(machine, `http://127.0.0.1:${tcpPort(machine)}/`),
    target: { atMost: 200 },
  };
}
