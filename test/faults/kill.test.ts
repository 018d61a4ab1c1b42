// Invariant 1: the machine is the database. The agent, and what it runs, is killed with -9 at random moments and between any two
// of its writes, while somebody changes its pods. Every second time it is the service that is installed, which ends with all that it runs.

import { expect, test } from "bun:test";
import { faultyExecutable } from "../e2e/executable.ts";
import { Machine } from "../e2e/machine.ts";
import { networkState } from "../engine/network/networked-pod.ts";
import { agentPoints, missedPoints } from "./agent-points.ts";
import { ChangingPods } from "./changing-pods.ts";
import { ageEmbryos, doubledStages, invocationsOf, leftoversOf } from "./machine-state.ts";
import { random, seed } from "./random.ts";
import { untilNone } from "./until-none.ts";

const kills = Number(process.env.TEST_KILLS ?? 50);
/** Those that are left after one at each point. */
const randomKills = Math.max(5, kills - agentPoints.length);
/** The agent is left alone after so many, until all is as it should be. */
const calmEvery = 25;

/** In programs that the agent runs, which then have failed. (Each was hit: engine.test.ts.) */
const enginePoints = [
  "^storing image",
  "^moving to prepare$",
  "^moving to prepared",
  "^moved to prepared",
  "^moving to exited-garbage",
  "^moved to exited-garbage",
  "^moved to garbage",
];

test(`the agent killed ${kills} times over 20 pods (seed ${seed})`, async () => {
  console.log(`kill -9: seed ${seed}`);
  const chance = random();
  await using machine = await Machine.create({ executable: faultyExecutable, isConfined: true });
  const networkBefore = await networkState();
  const world = new ChangingPods(machine, 20, chance);
  await world.writeAll();
  await machine.startAgent();
  await untilAsWritten(machine, world);
  const untouched = world.pods.filter(({ kind }) => kind === "steady" || kind === "labelled");
  const names = untouched.map(({ name }) => name);
  const invocations = await invocationsOf(names);

  expect(await missedPoints(machine, world)).toEqual([]);

  const hit = new Map<string, number>();
  for (let round = 1; round <= randomKills; round++) {
    await machine.stopAgent("SIGKILL");
    const changes = chance.below(3);
    for (let done = 0; done < changes; done++) await world.change();
    const point = chance.next() < 0.6 ? chance.oneOf([...agentPoints, ...enginePoints]) : undefined;
    const env = point === undefined ? {} : { FAULT_POINT: `${point}:${chance.oneOf([1, 1, 2])}` };
    const agent = await machine.spawnAgent({ env, isConfined: round % 2 === 0 });
    const aliveMs = point === undefined ? chance.next() * 1500 : 2500; // the random moment, not a wait for something
    await Promise.race([agent.exited, Bun.sleep((aliveMs * chance.next()) / 3)]);
    for (let done = changes; done < 3; done++) await world.change();
    await Promise.race([agent.exited, Bun.sleep(aliveMs)]);
    if (point && agent.signalCode === "SIGKILL") hit.set(point, (hit.get(point) ?? 0) + 1);
    expect([agent.exitCode, await doubledStages()]).toEqual([null, []]);
    if (round % calmEvery === 0) {
      await machine.stopAgent("SIGKILL");
      await machine.startAgent();
      await untilAsWritten(machine, world);
    }
  }
  console.log(
    `kill -9: of ${randomKills} at random, ${[...hit.values()].reduce((a, b) => a + b, 0)} at ${hit.size} points`,
  );

  await machine.stopAgent("SIGKILL");
  await ageEmbryos(machine);
  await machine.startAgent();
  await untilAsWritten(machine, world);
  expect(await world.overlaps()).toBe("");
  expect(await invocationsOf(names)).toEqual(invocations);
  for (const pod of world.pods.filter(({ kind }) => kind !== "crashing")) {
    const starts = (await world.starts(pod)).filter((line) => !line.startsWith("init "));
    expect([pod.name, starts.filter((line, index) => starts.indexOf(line) !== index)]).toEqual([
      pod.name,
      [],
    ]);
  }

  await world.removeAll();
  await machine.confirmDelete();
  const left = async () => [
    ...(await leftoversOf(machine)),
    ...difference(await networkState(), networkBefore),
  ];
  await untilNone("what is left to be removed", left, machine);
}, 3_600_000);

function untilAsWritten(machine: Machine, world: ChangingPods): Promise<void> {
  return untilNone("the machine to be what the directory says", () => world.differences(), machine);
}

function difference(after: readonly string[], before: readonly string[]): readonly string[] {
  const only = (from: readonly string[], others: readonly string[], what: string) =>
    from.filter((line) => !others.includes(line)).map((line) => `${what} ${line}`);
  return [...only(after, before, "new:"), ...only(before, after, "gone:")];
}
