// How long a pull of 5 layers of 40 MB takes, beside what skopeo and umoci take for the same image in the same minute; what memory that needs; and
// how long a pod of an image that is there is prepared.

import { lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { busyboxEntries, type TarEntry } from "../busybox.ts";
import { executable } from "../e2e/executable.ts";
import { Machine, run } from "../e2e/machine.ts";
import { manifest } from "../e2e/manifest.ts";
import { type OciLayer, writeOciLayout } from "../oci-layout.ts";
import { startRegistry } from "../registry.ts";
import { waitUntil } from "../wait-until.ts";
import type { Figure } from "./figure.ts";

const layerCount = 5;
const layerBytes = 40_000_000;
const rounds = 5;

export async function pullFigures(): Promise<readonly Figure[]> {
  await using machine = await Machine.create();
  await machine.startAgent();
  await writeOciLayout(`${machine.path}/layout`, [{ tag: "big", layers: await realLayers() }]);
  await using registry = await startRegistry();
  await registry.push(`${machine.path}/layout`, "big", "bench/big:1");
  const image = `${registry.address}/bench/big:1`;
  const pulls: { readonly ms: number; readonly MiB: number }[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floor.push(await pullByHand(machine, image));
    pulls.push(await pull(machine, image));
  }
  return [
    {
      what: "pull of 5 layers, 200 MB; floor: skopeo copy + umoci unpack",
      unit: "ms",
      samples: pulls.map(({ ms }) => ms),
      floor,
      target: { ratioAtMost: 1.3 },
    },
    { what: "that pull: memory of its process", unit: "MiB", samples: pulls.map(({ MiB }) => MiB) },
    {
      what: "second pod of that image: prepare",
      unit: "ms",
      samples: await prepare(machine),
      target: { atMost: 60 },
    },
    {
      what: "that pull: growth of the agent (PSS)",
      unit: "MiB",
      samples: [await agentGrowth(machine, image)],
      target: { atMost: 40 },
    },
  ];
}

async function pull(machine: Machine, image: string): Promise<{ readonly ms: number; readonly MiB: number }> {
  rmSync(store(machine), { recursive: true, force: true });
  const startedMs = performance.now();
  const fetching = Bun.spawn([...(await rkt(machine)), "fetch", `docker://${image}`], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  // Not its ru_maxrss, which begins with our own size.
  let peakKiB = 0;
  const watch = setInterval(() => {
    const status = readFileSync(`/proc/${fetching.pid}/status`, "latin1");
    peakKiB = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? peakKiB);
  }, 50);
  const exitCode = await fetching.exited;
  const ms = performance.now() - startedMs;
  clearInterval(watch);
  if (exitCode !== 0) throw new Error("cannot pull");
  return { ms, MiB: peakKiB / 1024 };
}

async function pullByHand(machine: Machine, image: string): Promise<number> {
  const layout = `${machine.path}/by-hand`;
  const bundle = `${machine.path}/bundle`;
  const startedMs = performance.now();
  await run(
    ...["skopeo", "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false"],
    `docker://${image}`,
    `oci:${layout}:big`,
  );
  await run("umoci", "unpack", "--image", `${layout}:big`, bundle);
  const elapsedMs = performance.now() - startedMs;
  for (const path of [layout, bundle]) rmSync(path, { recursive: true });
  return elapsedMs;
}

/** A second pod of an image that is in the store. */
async function prepare(machine: Machine): Promise<readonly number[]> {
  const argv = await rkt(machine);
  const [listed] = JSON.parse(await run(...argv, "image", "list", "--format=json"));
  const file = `${machine.path}/pod.json`;
  const app = { exec: ["/bin/true"], user: "0", group: "0" };
  const apps = [{ name: "main", image: { id: listed.id }, app }];
  await Bun.write(file, JSON.stringify({ acVersion: "0.8.11", acKind: "PodManifest", apps }));
  const samples: number[] = [];
  for (let round = 0; round <= 4 * rounds; round++) {
    const startedMs = performance.now();
    await run(...argv, "prepare", "--quiet", `--pod-manifest=${file}`);
    samples.push(performance.now() - startedMs);
  }
  return samples.slice(1);
}

async function agentGrowth(machine: Machine, image: string): Promise<number> {
  const pssMiB = () =>
    Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${machine.agentPid}/smaps_rollup`, "utf8"))?.[1]) / 1024;
  const beforeMiB = pssMiB();
  let mostMiB = beforeMiB;
  await machine.write(
    "big.yaml",
    manifest("big", { image, scripts: { main: "exec sleep 100000" }, gracePeriod: 0 }),
  );
  await waitUntil(
    "the pod to run",
    async () => {
      mostMiB = Math.max(mostMiB, pssMiB());
      return (await machine.pods()).some((pod) => pod.status?.phase === "Running");
    },
    120_000,
  );
  await machine.remove("big.yaml");
  await waitUntil("nothing to be left of it", async () => (await machine.leftovers()).length === 0);
  return mostMiB - beforeMiB;
}

/** Files as images have them: this machine's. */
async function realLayers(): Promise<readonly OciLayer[]> {
  const files = filesBelow("/usr/lib");
  const layers: OciLayer[] = [];
  while (layers.length < layerCount) {
    const entries: TarEntry[] = layers.length === 0 ? [...(await busyboxEntries())] : [];
    for (let bytes = 0; bytes < layerBytes; ) {
      const path = files.next().value;
      if (path === undefined) throw new Error("this machine has too few files");
      const content = readFileSync(path);
      bytes += content.length;
      entries.push({ name: path.slice(1), content, mode: 0o644 });
    }
    layers.push({ entries });
  }
  return layers;
}

function* filesBelow(directory: string): Generator<string, undefined> {
  for (const name of readdirSync(directory).sort()) {
    const path = `${directory}/${name}`;
    const stat = lstatSync(path);
    if (stat.isDirectory()) yield* filesBelow(path);
    else if (stat.isFile() && stat.size < layerBytes / 4) yield path;
  }
}

function store(machine: Machine): string {
  return `${machine.path}/bench-rkt`;
}

async function rkt(machine: Machine): Promise<readonly string[]> {
  return [await executable(), "rkt", `--dir=${store(machine)}`, "--insecure-options=image"];
}
