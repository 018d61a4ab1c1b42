// What can be changed without a restart is, and the next agent finds it as it was left.

import { expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { waitUntil } from "../wait-until.ts";
import { Machine } from "./machine.ts";
import { manifest } from "./manifest.ts";

const refreshes = (log: string) => log.split("\n").filter((line) => line.includes("info refresh"));

test("labels are changed in place, once, and kept: the next agent has nothing to do", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const write = (version: string) =>
    machine.write("web.yaml", manifest("web", { image: machine.image, labels: { version } }));
  await write("one");
  const pod = await machine.waitForReady("web");
  const units = await machine.runningUnits();
  const kept = `${machine.path}/state/pods/${pod.metadata?.uid}/manifest.json`;

  await write("two");
  const changed = await machine.waitForPod("web", "changed", (it) => it.metadata?.labels?.version === "two");
  expect(changed.metadata?.uid).toBe(pod.metadata?.uid as string);
  await waitUntil("the kept manifest", async () => (await Bun.file(kept).text()).includes('"version":"two"'));
  expect(await machine.runningUnits()).toEqual(units);

  await machine.stopAgent();
  const before = [refreshes(machine.log), await Bun.file(kept).text(), (await stat(kept)).ino];
  await machine.startAgent();
  await machine.waitForReady("web");
  expect([refreshes(machine.log), await Bun.file(kept).text(), (await stat(kept)).ino]).toEqual(before);
  expect(await machine.runningUnits()).toEqual(units);
});
