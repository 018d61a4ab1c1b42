// Hours in minutes: many pods that crash, are edited and deleted, and people who look on. What the agent holds does not grow.

import { expect, test } from "bun:test";
import { readdir, readFile, readlink } from "node:fs/promises";
import { Machine } from "../e2e/machine.ts";
import { waitUntil } from "../wait-until.ts";
import { ChangingPods } from "./changing-pods.ts";
import { random, seed } from "./random.ts";
import { untilNone } from "./until-none.ts";

const minutes = Number(process.env.SOAK_MINUTES ?? 1.25);
/** A short one has no time to let the agent come to rest, so that it compares open files, and memory only with a bound that is far off. */
const isWhole = minutes >= 10;
const podCount = isWhole ? 50 : 20;
const growthMiB = 5;
const mostMiB = 300;
/** What is dead is removed after a minute, and what the agent does not need is given back half a minute after that. */
const restMs = 120_000;

test(
  `${podCount} pods changed for ${minutes} minutes (seed ${seed})`,
  async () => {
    console.log(`soak: seed ${seed}`);
    const chance = random();
    await using machine = await Machine.create();
    const world = new ChangingPods(machine, podCount, chance);
    await world.writeAll();
    await machine.startAgent();
    const asWritten = () => untilNone("the machine to be as written", () => world.differences(), machine);
    await asWritten();
    const filesBefore = await fewestFiles(machine);
    const startedMs = performance.now();
    let changes = 0;
    let most = 0;
    const changeFor = async (untilMinutes: number) => {
      while (performance.now() - startedMs < untilMinutes * 60_000) {
        await world.change();
        changes++;
        await look(machine, chance.oneOf(paths));
        most = Math.max(most, await pssMiB(machine));
        await Bun.sleep(chance.next() * 1000); // how fast people are, not a wait for something
      }
      await asWritten();
    };
    const atRest = async () => {
      await world.removeCrashing();
      await asWritten();
      let least = Number.POSITIVE_INFINITY;
      for (const endMs = performance.now() + restMs; performance.now() < endMs; await Bun.sleep(1000))
        least = Math.min(least, await pssMiB(machine));
      return least;
    };

    await changeFor(Math.min(1, minutes));
    const first = isWhole ? await atRest() : Number.NaN;
    await changeFor(minutes);
    const last = isWhole ? await atRest() : Number.NaN;
    console.log(`soak: ${changes} changes; PSS at most ${most.toFixed(1)} MiB`);
    if (isWhole)
      console.log(`soak: at rest ${first.toFixed(1)} MiB after a minute, ${last.toFixed(1)} at last`);
    if (isWhole) expect(last).toBeLessThan(first + growthMiB);
    expect(most).toBeLessThan(mostMiB);
    await waitUntil(
      `${filesBefore} open files again`,
      async () => (await fewestFiles(machine)) <= filesBefore,
      60_000,
    ).catch(async (error: unknown) => {
      throw new Error(`${error}; open are ${(await openFiles(machine)).join(" ")}`);
    });
    console.log(`soak: ${filesBefore} open files before, and not more after`);
    await waitUntil("no zombies", async () => (await zombies(machine)).length === 0);
  },
  (minutes + 15) * 60_000,
);

const paths = ["/pods", "/events", "/metrics", "/manifests", "/stats/summary", "/", "/readyz"];

/** Over some seconds: programs that run just then and people who ask just then have some too. */
async function fewestFiles(machine: Machine): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let looks = 0; looks < 50; looks++) {
    fewest = Math.min(fewest, (await openFiles(machine)).length);
    await Bun.sleep(100);
  }
  return fewest;
}

async function look(machine: Machine, path: string): Promise<void> {
  const response = await machine.get(path);
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}${machine.log.slice(-20_000)}`);
}

async function pssMiB(machine: Machine): Promise<number> {
  const rollup = await readFile(`/proc/${machine.agentPid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1]) / 1024;
}

/** With what they are. */
async function openFiles(machine: Machine): Promise<readonly string[]> {
  const directory = `/proc/${machine.agentPid}/fd`;
  const names = await readdir(directory);
  return Promise.all(names.map((name) => readlink(`${directory}/${name}`).catch(() => name)));
}

/** Children that have ended and that nobody has waited for. */
async function zombies(machine: Machine): Promise<readonly string[]> {
  const children = await readFile(`/proc/${machine.agentPid}/task/${machine.agentPid}/children`, "utf8");
  const pids = children.split(" ").filter((pid) => pid !== "");
  const states = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  return states.filter((stat) => / Z /.test(stat));
}
