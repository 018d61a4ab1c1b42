// What a machine runs out of: the agent does without, says so, and takes up its work when there is some again.

import { expect, test } from "bun:test";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Machine, run, uuidOf } from "../e2e/machine.ts";
import { manifest } from "../e2e/manifest.ts";
import { waitUntil } from "../wait-until.ts";
import { leftoversOf } from "./machine-state.ts";
import { untilNone } from "./until-none.ts";

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

test("no inotify instance is left: who follows a log goes on to hear all of it, once", async () => {
  const wrapper = [process.execPath, join(import.meta.dir, "without-inotify.ts")];
  await using machine = await Machine.create({ wrapper });
  const script = "trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.1 & wait $!; done";
  await machine.write("web.yaml", manifest("web", { image: machine.image, scripts: { main: script } }));
  await machine.startAgent();
  await machine.waitForReady("web");
  const leave = new AbortController();
  const follow = async () => {
    const follower = { heard: "", done: Promise.resolve() };
    const { signal } = leave;
    const { body } = await machine.get("/pods/default/web-node/logs?follow=true", { signal });
    const decoder = new TextDecoder();
    follower.done = (async () => {
      for await (const chunk of body ?? []) follower.heard += decoder.decode(chunk);
    })().catch(() => undefined);
    return follower;
  };
  const early = await follow();
  await waitUntil("more than there was", () => early.heard.includes("\n30\n"), 30_000);
  const late = await follow();
  const both = [early, late];
  await waitUntil("both to hear", () => both.every(({ heard }) => heard.includes("\n60\n")), 30_000);
  leave.abort();
  for (const { heard, done } of both) {
    await done;
    const lines = heard.split("\n").slice(0, -1);
    expect(lines).toEqual(lines.map((_, at) => String(at + 1)));
  }
}, 90_000);

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

test("the disk is full when a pod is prepared: that is told, what runs stays, and it starts once there is room", async () => {
  await using machine = await Machine.create({ flags: ["--eviction-hard=memory.available<1Mi"] });
  const state = `${machine.path}/state`;
  await mkdir(state);
  await run("mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", state);
  await machine.startAgent();
  const { image } = machine;
  await machine.write("web.yaml", manifest("web", { image }));
  const web = await machine.waitForReady("web");
  // To the last byte, and then with room for one file more each time: another step is the one that fails.
  const told = new Set<string>();
  for (let pages = 0, isRefused = true; isRefused; pages++) {
    await run("sh", "-c", `dd if=/dev/zero of=${state}/others bs=4k 2>/dev/null; test -s ${state}/others`);
    await run("truncate", "-s", `-${pages * 4096}`, `${state}/others`);
    const name = `room-for-${pages}`; // each its own, as what failed is tried again only after a while
    await machine.write(`${name}.yaml`, manifest(name, { image }));
    const { status } = await machine.waitForPod(name, "refused, or running", (pod) => {
      const { message = "" } = pod.status?.containerStatuses?.[0]?.state?.waiting ?? {};
      return /no space left/i.test(message) || pod.status?.phase === "Running";
    });
    const { reason, message = "" } = status?.containerStatuses?.[0]?.state?.waiting ?? {};
    isRefused = reason === "CreateContainerError";
    if (isRefused) told.add(message.split(": ")[0] ?? "");
    await machine.remove(`${name}.yaml`);
    await waitUntil("what was deleted to be gone", async () => (await machine.pod(name)) === undefined);
  }
  expect([...told].slice(0, 3)).toEqual([
    "Cannot make the pod's directory",
    "Cannot write the pod's files",
    "Cannot prepare the pod",
  ]);
  // An edit that cannot be prepared leaves the old version running.
  await machine.write("web.yaml", manifest("web", { image, scripts: says("edited") }));
  await waitUntil("the edit to be tried", () => /run: failed pod=default\/web-node/.test(machine.log));
  expect(uuidOf(await machine.waitForReady("web"))).toBe(uuidOf(web) as string);

  await rm(`${state}/others`);
  await waitUntil("the edit to be done", async () => (await machine.logs("web")) === "edited\n", 30_000);
  await machine.remove("web.yaml");
  await machine.confirmDelete();
  const left = async () => (await leftoversOf(machine)).filter((path) => path !== state);
  await untilNone("what is left to go", left, machine);
}, 150_000);
