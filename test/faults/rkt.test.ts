// An rkt that hangs, panics, or is not there any more. (What else it prints and exits with: test/e2e/recorded-rkt.test.ts.)

import { expect, test } from "bun:test";
import { chmod, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isReady, Machine } from "../e2e/machine.ts";
import { manifest } from "../e2e/manifest.ts";
import { RecordedPods } from "../fakes/recorded-pods.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";

const recorded = join(import.meta.dir, "../fakes/recorded-rkt");
const image = "example.com/busybox:1.35.0";

/** A pod `web` that runs, and an rkt of which a test decides what it answers and whether it is there. */
async function world() {
  const dir = await tempDir();
  const rktPath = `${dir.path}/rkt`;
  await writeFile(rktPath, `#!/bin/sh\nexec ${recorded} "$@"\n`);
  await chmod(rktPath, 0o755);
  const machine = await Machine.create({ rktPath, flags: [`--rkt-dir=${dir.path}/data`] });
  const pods = new RecordedPods(`${dir.path}/data`);
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image }));
  await machine.waitForReady("web");
  const units = await machine.runningUnits();
  return {
    machine,
    pods,
    rktPath,
    answer: (answers: Readonly<Record<string, string>>) =>
      Bun.write(`${dir.path}/data/answers.json`, JSON.stringify(answers)),
    /** The pod runs, is said to, and is the same. */
    async expectUntouched() {
      expect((await machine.pod("web"))?.status?.phase).toBe("Running");
      const running = await machine.runningUnits();
      for (const [unit, invocation] of units) expect(running.get(unit)).toBe(invocation);
    },
    async [Symbol.asyncDispose]() {
      await machine[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** Waits until it is told that the machine cannot be looked at, and why. */
async function waitForComplaint(machine: Machine, why: string): Promise<void> {
  const complaints = () => machine.log.matchAll(/Cannot look at the machine error="(.*)" retryInMs/g);
  const isThere = () => [...complaints()].some(([, told]) => told?.includes(why));
  await waitUntil(`a complaint: ${why}`, isThere, 45_000);
}

test("rkt is removed from the machine: what runs stays, and is looked at again once rkt is back", async () => {
  await using it = await world();
  await rename(it.rktPath, `${it.rktPath}.away`);
  await it.machine.write("more.yaml", manifest("more", { image }));
  await waitForComplaint(it.machine, "no such program");
  await it.expectUntouched();
  expect((await it.machine.get("/readyz")).status).toBe(503);
  await rename(`${it.rktPath}.away`, it.rktPath);
  await it.machine.waitForReady("more");
  await it.expectUntouched();
});

test("rkt panics whatever it is asked", async () => {
  await using it = await world();
  await it.answer({ list: "10-fly/095", status: "10-fly/096" });
  await it.machine.write("more.yaml", manifest("more", { image }));
  await waitForComplaint(it.machine, "exit code 2");
  await it.expectUntouched();
  await it.answer({});
  await it.machine.waitForReady("more");
  await it.expectUntouched();
});

test("a prepare that hangs holds up no other pod, and ends with its pod's manifest", async () => {
  await using it = await world();
  const { machine, pods } = it;
  await it.answer({ prepare: "hang" });
  await machine.write("hangs.yaml", manifest("hangs", { image }));
  const hanging = () => pods.all().filter(({ step }) => step === "prepare");
  await waitUntil("it to hang", () => hanging().length === 1);
  const pid = Number.parseInt(hanging()[0]?.process ?? "", 10);
  expect(isThere(pid)).toBe(true);
  await it.answer({});
  await machine.write("other.yaml", manifest("other", { image }));
  await machine.waitForReady("other");
  await machine.remove("hangs.yaml");
  await waitUntil("its rkt to be ended", () => !isThere(pid));
  await waitUntil("it to be gone", async () => (await machine.pod("hangs")) === undefined);
  await it.expectUntouched();
});

test("a list that hangs is given up after 30 s, and asked for again", async () => {
  await using it = await world();
  await it.answer({ list: "hang" });
  await it.machine.write("more.yaml", manifest("more", { image }));
  await waitForComplaint(it.machine, "did not end in time");
  await it.expectUntouched();
  await it.answer({});
  // By now the next one may hang.
  await it.machine.waitForPod("more", "Ready", isReady, 45_000);
  await it.expectUntouched();
}, 120_000);

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
