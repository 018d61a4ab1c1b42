// The engine killed at each of its fault points, while it makes, starts or removes a pod: the next time it succeeds, and nothing of the first
// attempt stays.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeAci } from "../aci.ts";
import { faultyExecutable } from "../e2e/executable.ts";
import { Machine, run } from "../e2e/machine.ts";
import { networkState } from "../engine/network/networked-pod.ts";
import { waitUntil } from "../wait-until.ts";
import { ageEmbryos, leftoversOf } from "./machine-state.ts";
import { untilNone } from "./until-none.ts";

let machine: Machine;
let networkBefore: readonly string[];

beforeAll(async () => {
  machine = await Machine.create({ executable: faultyExecutable });
  networkBefore = await networkState();
  await machine.startAgent();
});
afterAll(() => machine[Symbol.asyncDispose]());

const manifest = (image: string) => `apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {gantry.io/restart-backoff: 1s, gantry.io/restart-backoff-max: 1s}
spec:
  terminationGracePeriodSeconds: 2
  containers:
    - name: main
      image: ${image}
      command: [/bin/sh, -c, exec sleep 1000000]
      ports: [{containerPort: 80, hostPort: 8280}]
`;

test.each([
  "^moving to run$",
  "^moved to run$",
  "^attaching$",
  "^attached$",
  "^starting apps$",
  "^started apps$",
])(
  "at %s",
  async (point) => {
    const since = `--since=@${Date.now() / 1000}`;
    // What systemd starts has it from there.
    await run("systemctl", "set-environment", `FAULT_POINT=${point}:1`);
    try {
      await machine.write("web.yaml", manifest(machine.image));
      const journal = ["journalctl", "--output=cat", "--no-pager", since, "--unit=gantry-*"];
      const told = () => run(...journal).catch(() => ""); // it fails while there is no such unit
      await waitUntil("the unit to be killed", async () =>
        (await told()).includes("Main process exited, code=killed, status=9/KILL"),
      );
    } finally {
      await run("systemctl", "unset-environment", "FAULT_POINT"); // whatever comes next is not to be killed
    }
    // For a moment the status is still about what was killed.
    await waitUntil("another to run", async () => (await machine.runningUnits()).size === 1, 30_000);
    await machine.waitForReady("web");
    expect((await machine.runningUnits()).size).toBe(1);
    await machine.remove("web.yaml");
    await untilNone("what is left to go", () => leftoversOf(machine), machine);
    expect(await networkState()).toEqual(networkBefore);
  },
  150_000,
);

test.each([
  ["^storing image", "^moving to exited-garbage$"],
  ["^moving to prepare$", "^moved to exited-garbage$"],
  ["^moving to prepared$", "^moving to garbage$"],
  ["^moved to prepared$", "^moved to garbage$"],
])(
  "at %s, and at %s",
  async (making, removing) => {
    await machine.stopAgent();
    await writeAci(machine.image, { version: making.replaceAll(/\W/g, "") }); // another each time, so that it has to be stored
    await machine.write("web.yaml", manifest(machine.image));
    await killCommand(making);
    await ageEmbryos(machine);
    await machine.startAgent();
    await machine.waitForReady("web");
    expect((await machine.runningUnits()).size).toBe(1);

    await machine.stopAgent();
    await machine.remove("web.yaml");
    await killCommand(removing);
    await machine.startAgent();
    await untilNone("what is left to go", () => leftoversOf(machine), machine);
    expect(await networkState()).toEqual(networkBefore);
  },
  150_000,
);

/** An agent of which each command is killed that gets to the point. */
async function killCommand(point: string): Promise<void> {
  const from = machine.log.length;
  await machine.spawnAgent({ env: { FAULT_POINT: `${point}:1` } });
  const told = () => machine.log.slice(from);
  await waitUntil("a command to be killed", () => told().includes("SIGKILL"), 30_000).catch(
    (error: unknown) => {
      throw new Error(`${error}\n${told()}`);
    },
  );
  await machine.stopAgent("SIGKILL");
}
