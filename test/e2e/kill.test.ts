// Invariant 1: the machine is the database. The agent is killed with -9 at random moments over a changing directory.

import { expect, test } from "bun:test";
import { waitUntil } from "../wait-until.ts";
import { isReady, Machine, uuidOf } from "./machine.ts";
import { manifest } from "./manifest.ts";

const kills = Number(process.env.TEST_KILLS ?? 50);
const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);

test(`the agent killed ${kills} times (seed ${seed})`, async () => {
  console.log(`kill -9: seed ${seed}`);
  const random = generator(seed);
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("steady.yaml", manifest("steady", { image: machine.image }));
  const steady = await machine.waitForReady("steady");
  const steadyUnit = [...(await machine.runningUnits())][0];

  const wanted = new Map<string, number>();
  for (let round = 0; round < kills; round++) {
    const name = `pod${Math.floor(random() * 5)}`;
    if (wanted.has(name) && random() < 0.3) {
      wanted.delete(name);
      await machine.remove(`${name}.yaml`);
    } else {
      wanted.set(name, round);
      const scripts = { main: `echo version ${round}; exec sleep 100000` };
      await machine.write(`${name}.yaml`, manifest(name, { image: machine.image, scripts, gracePeriod: 0 }));
    }
    await Bun.sleep(random() * 250); // the random moment, not a wait for something
    await machine.stopAgent("SIGKILL");
    await machine.startAgent();
    expect(liveOnce(await machine.runningUnits(), await machine.pods())).toBe(true);
  }

  await waitUntil(
    "the world to be what the directory says",
    async () => {
      const pods = (await machine.pods()).filter((pod) => pod.metadata?.name !== "steady-node");
      const names = pods.map((pod) => pod.metadata?.name ?? "").sort();
      return (
        pods.every(isReady) &&
        names.join() ===
          [...wanted.keys()]
            .sort()
            .map((name) => `${name}-node`)
            .join()
      );
    },
    60_000,
  );
  for (const [name, round] of wanted) {
    await waitUntil(`${name} to say its version`, async () =>
      (await machine.logs(name)).includes(`version ${round}\n`),
    );
  }
  expect((await machine.runningUnits()).size).toBe(wanted.size + 1);
  const unit = `gantry-${uuidOf(steady)}.service`;
  expect([unit, (await machine.runningUnits()).get(unit)]).toEqual([...(steadyUnit ?? [])]);

  for (const name of wanted.keys()) await machine.remove(`${name}.yaml`);
  await machine.remove("steady.yaml");
  await machine.confirmDelete();
  await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0, 60_000);
}, 300_000);

/** No pod has two live revisions: each running unit is another pod's. */
function liveOnce(
  units: ReadonlyMap<string, string>,
  pods: readonly { readonly metadata?: { name?: string } }[],
): boolean {
  return units.size <= new Set(pods.map(({ metadata }) => metadata?.name)).size;
}

/** mulberry32: the same numbers for the same seed. */
function generator(state: number): () => number {
  let a = state;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
