// What comes while an old version takes its time to end, as it makes room for a new one: something runs afterwards.

import { expect, test } from "bun:test";
import { waitUntil } from "../wait-until.ts";
import { Machine, run, uuidOf } from "./machine.ts";

/** Deaf to what it is told, so that its end takes 4 seconds. */
function version(machine: Machine, greeting: string, image = machine.image): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 4
  containers:
    - name: main
      image: ${image}
      command: [/bin/sh, -c, "trap '' TERM; echo ${greeting}; while :; do sleep 0.2; done"]
`;
}

/** Resolves with the first version's unit, once that has been told to end since the second is there. */
async function amidSwap(machine: Machine): Promise<string> {
  await machine.startAgent();
  await machine.write("web.yaml", version(machine, "first"));
  const unit = `gantry-${uuidOf(await machine.waitForReady("web"))}.service`;
  await waitUntil("it to be deaf", async () => (await machine.logs("web")) === "first\n");
  await machine.write("web.yaml", version(machine, "second"));
  const app = unit.replace(".service", "-main.service");
  await waitUntil("it to be told", async () => (await stateOf(app)) === "deactivating");
  return unit;
}

async function stateOf(unit: string): Promise<string> {
  return (await run("systemctl", "show", "--value", "-p", "ActiveState", unit)).trim();
}

test("regression: another edit, of which the image cannot be had, left nothing running", async () => {
  await using machine = await Machine.create();
  const first = await amidSwap(machine);
  await machine.write("web.yaml", version(machine, "third", `${machine.path}/missing.aci`));
  await machine.waitForPod("web", "waiting for the image", ({ status }) =>
    JSON.stringify(status).includes("ErrImagePull"),
  );
  expect(await stateOf(first)).not.toBe("active");
  const units = [...(await machine.runningUnits()).keys()];
  expect(units).toHaveLength(1);
  expect(units).not.toContain(first);
  await waitUntil("the second version's line", async () => (await machine.logs("web")).includes("second"));
});

test("regression: an agent that was told to end left the pod down until there was another one", async () => {
  await using machine = await Machine.create();
  const first = await amidSwap(machine);
  expect(await machine.stopAgent()).toBe(0);
  const units = await machine.runningUnits();
  expect([...units.keys()]).toHaveLength(1);
  expect(units.has(first)).toBe(false);
  await machine.startAgent();
  await machine.waitForReady("web");
  expect(await machine.runningUnits()).toEqual(units);
});

test("an agent that is killed leaves it to the next one, which starts it at once", async () => {
  await using machine = await Machine.create();
  const first = await amidSwap(machine);
  await machine.stopAgent("SIGKILL");
  await machine.startAgent();
  await machine.waitForReady("web");
  await waitUntil("its line", async () => (await machine.logs("web")) === "second\n");
  expect(await stateOf(first)).toBe("inactive");
});
