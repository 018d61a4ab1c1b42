// The services that the agent depends on go away and come back: nothing that runs notices, and the agent works on.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { Machine, run } from "../e2e/machine.ts";
import { manifest } from "../e2e/manifest.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { busProxy } from "./bus-proxy.ts";

let machine: Machine;
let units: ReadonlyMap<string, string>;

beforeAll(async () => {
  machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  await machine.waitForReady("web");
  units = await machine.runningUnits();
});
afterAll(() => machine[Symbol.asyncDispose]());

/** What runs runs on as it did, and what is new is started. */
async function expectAllIsWell(name: string): Promise<void> {
  await machine.write(`${name}.yaml`, manifest(name, { image: machine.image }));
  await machine.waitForReady(name);
  for (const [unit, invocation] of units) expect((await machine.runningUnits()).get(unit)).toBe(invocation);
}

test("the D-Bus daemon killed and restarted", async () => {
  await run("systemctl", "kill", "--signal=KILL", "dbus.service");
  await run("systemctl", "restart", "dbus.service");
  await expectAllIsWell("after-dbus");
});

test("systemd re-executes itself, again and again while pods start", async () => {
  await machine.write("during.yaml", manifest("during", { image: machine.image }));
  for (let times = 0; times < 3; times++) await run("systemctl", "daemon-reexec");
  await machine.waitForReady("during");
  await expectAllIsWell("after-reexec");
});

test("journald restarted: the logs go on, and one that is followed too", async () => {
  const followed = await machine.get("/pods/default/web-node/logs?follow=true&tailLines=1");
  const reader = (followed.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  await run("systemctl", "kill", "--signal=KILL", "systemd-journald.service");
  await run("systemctl", "restart", "systemd-journald.service");
  const ticks = async () => Number(/tick (\d+)\n*$/.exec(await machine.logs("web"))?.[1]);
  const restartedAt = await ticks();
  await waitUntil("two lines more", async () => (await ticks()) > restartedAt + 1);
  const decoder = new TextDecoder();
  await waitUntil("them where it is followed", async () => {
    const last = /tick (\d+)\n*$/.exec(decoder.decode((await reader.read()).value))?.[1];
    return Number(last) > restartedAt;
  });
  await reader.cancel();
  await expectAllIsWell("after-journald");
});

test("JobRemoved never comes: a pod starts, is replaced and goes all the same", async () => {
  await using dir = await tempDir();
  using proxy = await busProxy(`${dir.path}/bus`, { lost: "JobRemoved" });
  await using deaf = await Machine.create({
    env: { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${dir.path}/bus` },
  });
  await machine.stopAgent();
  await machine.remove("web.yaml");
  const lines = (word: string) => ({ main: `echo ${word}; exec sleep 100000` });
  await deaf.write("deaf.yaml", manifest("deaf", { image: deaf.image, scripts: lines("one") }));
  await deaf.startAgent();
  await deaf.waitForReady("deaf");
  await deaf.write("deaf.yaml", manifest("deaf", { image: deaf.image, scripts: lines("two") }));
  await waitUntil("its second version", async () => (await deaf.logs("deaf")) === "two\n", 30_000);
  await deaf.remove("deaf.yaml");
  await deaf.confirmDelete();
  await waitUntil("it to be gone", async () => (await deaf.pods()).length === 0, 30_000);
  expect(proxy.lost).toBeGreaterThan(2);
}, 120_000);
