// An edit that never becomes Ready is taken back, and not tried again until it is another.

import { expect, test } from "bun:test";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { waitUntil } from "../wait-until.ts";
import { isReady, Machine, uuidOf } from "./machine.ts";

function version(machine: Machine, greeting: string, isGood: boolean): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {gantry.io/rollback-after: 3s}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 2
  containers:
    - name: main
      image: ${machine.image}
      command: [/bin/sh, -c, "echo ${greeting}; exec sleep 1000"]
      readinessProbe: {exec: {command: ["${isGood}"]}, periodSeconds: 1}
`;
}

const isRolledBack = ({ status }: Pod) =>
  status?.conditions?.some(({ reason }) => reason === "RolledBack") === true;

test.each([false, true])(
  "a version that is not Ready in time makes room for the last that was, until its manifest changes (confined: %p)",
  async (isConfined) => {
    await using machine = await Machine.create({ isConfined });
    await machine.startAgent();
    await machine.write("web.yaml", version(machine, "first", true));
    const first = await machine.waitForReady("web");

    await machine.write("web.yaml", version(machine, "second", false));
    await machine.waitForPod("web", "replaced", (pod) => uuidOf(pod) !== uuidOf(first) && !isReady(pod));
    const back = await machine.waitForPod("web", "rolled back", (pod) => isRolledBack(pod) && isReady(pod));
    await waitUntil("the first version's line", async () => (await machine.logs("web")) === "first\n");
    const units = await machine.runningUnits();
    expect([...units.keys()]).toEqual([`gantry-${uuidOf(back)}.service`]);

    await machine.stopAgent();
    await machine.startAgent();
    await machine.waitForPod("web", "rolled back", (pod) => isRolledBack(pod) && isReady(pod));
    expect(await machine.runningUnits()).toEqual(units);

    await machine.write("web.yaml", version(machine, "third", true));
    await machine.waitForPod("web", "the third", (pod) => isReady(pod) && uuidOf(pod) !== uuidOf(back));
    await waitUntil("its line", async () => (await machine.logs("web")) === "third\n");
  },
);

test("regression: a good version was rolled back as the one before it took longer to end than the new one had to be Ready", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const deaf = version(machine, "first", true)
    .replace("exec sleep 1000", "trap '' TERM; echo deaf; while :; do sleep 0.2; done")
    .replace("Seconds: 2", "Seconds: 5");
  await machine.write("web.yaml", deaf);
  const first = await machine.waitForReady("web");
  await waitUntil("it to be deaf", async () => (await machine.logs("web")).includes("deaf"));

  await machine.write("web.yaml", version(machine, "second", true));
  const second = await machine.waitForPod(
    "web",
    "the second",
    (pod) => isReady(pod) && uuidOf(pod) !== uuidOf(first),
  );
  await waitUntil("it to be known as good", async () => {
    const good = await Bun.$`cat ${machine.path}/state/pods/${second.metadata?.uid}/good.json`.quiet().text();
    return good.includes("echo second");
  });
  expect(machine.log).not.toMatch(/rolledBack/i);
  expect(await machine.logs("web")).toBe("second\n");
});
