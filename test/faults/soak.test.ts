// Hours in minutes: many pods that crash, are edited and deleted, and people who look on. What the agent holds does not grow.

import { expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { Machine } from "../e2e/machine.ts";
import { waitUntil } from "../wait-until.ts";
import { ChangingPods } from "./changing-pods.ts";
import { random, seed } from "./random.ts";
import { untilNone } from "./until-none.ts";

const minutes = Number(process.env.SOAK_MINUTES ?? 1.25);
const isWhole = minutes >= 10;
const podCount = isWhole ? 50 : 20;
const windowMs = isWhole ? 60_000 : 20_000;
/** A short run has not seen all of the agent's code twice: it only tells what leaks fast. */
const growthMiB = isWhole ? 5 : 15;

interface Sample {
  readonly atMs: number;
  readonly pssMiB: number;
  readonly files: number;
}

test(
  `${podCount} pods changed for ${minutes} minutes (seed ${seed})`,
  async () => {
    console.log(`soak: seed ${seed}`);
    const chance = random();
    await using machine = await Machine.create();
    const world = new ChangingPods(machine, podCount, chance);
    await world.writeAll();
    await machine.startAgent();
    const asWritten = () =>
      untilNone("the machine to be what the directory says", () => world.differences(), machine);
    await asWritten();
    const filesBefore = (await sample(machine, 0)).files;

    const samples: Sample[] = [];
    let changes = 0;
    const startedMs = performance.now();
    for (let nowMs = 0; nowMs < minutes * 60_000; nowMs = performance.now() - startedMs) {
      await world.change();
      changes++;
      await look(
        machine,
        chance.oneOf(["/pods", "/events", "/metrics", "/manifests", "/stats/summary", "/", "/readyz"]),
      );
      if (nowMs - (samples.at(-1)?.atMs ?? -5000) >= 5000) samples.push(await sample(machine, nowMs));
      await Bun.sleep(chance.next() * 1000); // how fast people are, not a wait for something
    }
    const endMs = performance.now() - startedMs;
    const first = median(samples.filter(({ atMs }) => atMs < windowMs));
    const last = median(samples.filter(({ atMs }) => atMs > endMs - windowMs));
    const most = Math.max(...samples.map(({ pssMiB }) => pssMiB));
    console.log(
      `soak: ${changes} changes; PSS ${first.toFixed(1)} MiB at first, ${last.toFixed(1)} at last, at most ${most.toFixed(1)}`,
    );

    await asWritten();
    expect(last).toBeLessThan(first + growthMiB);
    let files: readonly string[] = [];
    await waitUntil(
      `${filesBefore} open files again`,
      async () => {
        files = await openFiles(machine);
        return files.length === filesBefore;
      },
      60_000,
    ).catch((error: unknown) => {
      throw new Error(`${error}; open are ${files.join(" ")}`);
    });
    await waitUntil("no zombies", async () => (await zombies(machine)).length === 0);
    console.log(`soak: ${files.length} open files before and after`);
  },
  (minutes + 10) * 60_000,
);

async function look(machine: Machine, path: string): Promise<void> {
  const response = await machine.get(path);
  await response.text();
  expect([path, response.status]).toEqual([path, 200]);
}

async function sample(machine: Machine, atMs: number): Promise<Sample> {
  const rollup = await readFile(`/proc/${machine.agentPid}/smaps_rollup`, "utf8");
  const pssMiB = Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1]) / 1024;
  return { atMs, pssMiB, files: (await openFiles(machine)).length };
}

function openFiles(machine: Machine): Promise<readonly string[]> {
  return readdir(`/proc/${machine.agentPid}/fd`);
}

/** Children that have ended and that nobody has waited for. */
async function zombies(machine: Machine): Promise<readonly string[]> {
  const children = await readFile(`/proc/${machine.agentPid}/task/${machine.agentPid}/children`, "utf8");
  const pids = children.split(" ").filter((pid) => pid !== "");
  const states = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  return states.filter((stat) => / Z /.test(stat));
}

function median(samples: readonly Sample[]): number {
  const sorted = samples.map(({ pssMiB }) => pssMiB).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
