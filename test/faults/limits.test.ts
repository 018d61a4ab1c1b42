// What a machine runs out of: the agent does without, says so, and takes up its work when there is some again.

import { expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Machine, run, uuidOf } from "../e2e/machine.ts";
import { manifest } from "../e2e/manifest.ts";
import { waitUntil } from "../wait-until.ts";

const says = (word: string) => ({ main: `echo ${word}; exec sleep 100000` });

test("out of file descriptors: nothing is taken for gone, and when there are some again all is done", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const { image } = machine;
  await machine.write("web.yaml", manifest("web", { image }));
  const web = await machine.waitForReady("web");
  await machine.write("gone.yaml", manifest("gone", { image, gracePeriod: 0 }));
  await machine.waitForReady("gone");
  const units = await machine.runningUnits();
  const limit = (files: number) => run("prlimit", "--pid", String(machine.agentPid), `--nofile=${files}:`);
  await limit((await readdir(`/proc/${machine.agentPid}/fd`)).length);

  await machine.remove("gone.yaml");
  await machine.write("new.yaml", manifest("new", { image }));
  await waitUntil("the agent to say so", () => /no open files|too many open files/.test(machine.log), 30_000);
  expect(await machine.runningUnits()).toEqual(units);

  await limit(1024);
  await machine.waitForPod("new", "running", ({ status }) => status?.phase === "Running", 60_000);
  await waitUntil(
    "the deleted one to be gone",
    async () => (await machine.pod("gone")) === undefined,
    60_000,
  );
  const unit = `gantry-${uuidOf(web)}.service`;
  expect((await machine.runningUnits()).get(unit)).toBe(units.get(unit));
}, 150_000);

test("no inotify instance is left: manifests are looked for every 15 seconds, and the log says so", async () => {
  const wrapper = [process.execPath, join(import.meta.dir, "without-inotify.ts")];
  await using machine = await Machine.create({ wrapper });
  await machine.write("web.yaml", manifest("web", { image: machine.image, scripts: says("one") }));
  await machine.startAgent();
  await machine.waitForReady("web");
  expect(machine.log).toContain("cannot watch, looking every 15 s instead");
  await machine.write("web.yaml", manifest("web", { image: machine.image, scripts: says("two") }));
  await waitUntil("the edit to be seen", async () => (await machine.logs("web")) === "two\n", 30_000);
}, 60_000);

test("the manifests are on a file system that is read-only", async () => {
  await using machine = await Machine.create();
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  await run("mount", "--bind", machine.manifests, machine.manifests);
  await run("mount", "-o", "remount,ro,bind", machine.manifests);
  await machine.startAgent();
  await machine.waitForReady("web");
  await machine.stopAgent();
  await machine.startAgent();
  await run("umount", machine.manifests);
  const before = uuidOf((await machine.pod("web")) ?? {});
  expect(before).toBeDefined();
  await machine.write("more.yaml", manifest("more", { image: machine.image }));
  await machine.waitForReady("more");
  expect(uuidOf((await machine.pod("web")) ?? {})).toBe(before);
});

test("1,000 changes in a second: the last one counts, few of the others do, and the agent answers", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const { image } = machine;
  await machine.write("web.yaml", manifest("web", { image, scripts: says("0") }));
  const startedMs = performance.now();
  for (let change = 1; change <= 1000; change++) {
    const name = `pod${change % 10}`;
    await machine.write(`${name}.yaml`, manifest(name, { image, scripts: says(`change ${change}`) }));
    if (change % 100 === 0) expect((await machine.get("/healthz")).status).toBe(200);
  }
  const tookMs = performance.now() - startedMs;
  for (let last = 991; last <= 1000; last++) {
    const name = `pod${last % 10}`;
    await machine.waitForPod(name, "running", ({ status }) => status?.phase === "Running", 60_000);
    await waitUntil(
      `${name} as written last`,
      async () => (await machine.logs(name)) === `change ${last}\n`,
      60_000,
    );
  }
  await machine.waitForReady("web");
  const runs = machine.log.match(/ run pod=/g)?.length ?? 0;
  console.log(`1,000 changes in ${Math.round(tookMs)} ms: ${runs} revisions`);
  expect(runs).toBeLessThan(100);
}, 120_000);
