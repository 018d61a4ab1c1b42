// A pod's life as a person sees it: dropped in, seen running, edited, deleted; nothing is left.

import { expect, test } from "bun:test";
import { waitUntil } from "../wait-until.ts";
import { Machine, uuidOf } from "./machine.ts";
import { manifest, talker } from "./manifest.ts";

test("a manifest becomes a running pod, an edit replaces it, deleting the file removes everything", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  expect(await machine.pods()).toEqual([]);

  await machine.write(
    "web.yaml",
    manifest("web", { image: machine.image, scripts: { main: talker, side: talker } }),
  );
  const first = await machine.waitForReady("web");
  expect(first.status?.phase).toBe("Running");
  expect(
    first.status?.containerStatuses?.map(({ name, ready, restartCount }) => ({ name, ready, restartCount })),
  ).toEqual([
    { name: "main", ready: true, restartCount: 0 },
    { name: "side", ready: true, restartCount: 0 },
  ]);
  expect(first.status?.containerStatuses?.[0]?.imageID).toMatch(/sha512-[0-9a-f]{64}$/);
  await waitUntil("the pod's first line", async () =>
    (await machine.logs("web", "?container=side")).startsWith("hello"),
  );
  expect((await machine.runningUnits()).size).toBe(1);

  await machine.write(
    "web.yaml",
    manifest("web", { image: machine.image, scripts: { main: "echo second; exec sleep 1000" } }),
  );
  const second = await machine.waitForPod(
    "web",
    "replaced",
    (pod) => uuidOf(pod) !== uuidOf(first) && pod.status?.containerStatuses?.[0]?.ready === true,
  );
  expect(second.status?.containerStatuses).toHaveLength(1);
  expect(second.status?.containerStatuses?.[0]?.restartCount).toBe(0);
  await waitUntil("the new revision's line", async () => (await machine.logs("web")) === "second\n");
  expect([...(await machine.runningUnits()).keys()]).toEqual([`gantry-${uuidOf(second)}.service`]);

  await machine.remove("web.yaml");
  await waitUntil("the pod to be gone", async () => (await machine.pods()).length === 0);
  await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0);
});

test("the previous revision's log stays readable after a crash", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write(
    "once.yaml",
    manifest("once", { image: machine.image, scripts: { main: "cat /proc/uptime; sleep 0.3; exit 3" } }),
  );
  const pod = await machine.waitForPod(
    "once",
    "restarted",
    (it) => (it.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1,
  );
  expect(pod.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(3);
  const [previous, current] = await Promise.all([
    machine.logs("once", "?previous=true"),
    waitUntil("a line", async () => (await machine.logs("once")) || undefined),
  ]);
  expect(previous).toMatch(/^\d+\.\d+ /);
  expect(Number.parseFloat(previous)).toBeLessThan(Number.parseFloat(current));
});

test("following a log ends with the client, and leaves no journalctl behind", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  await machine.waitForReady("web");

  const leave = new AbortController();
  const response = await machine.get("/pods/default/web-node/logs?follow=true", { signal: leave.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("tick 3")) text += (await reader?.read())?.value ?? "";
  expect(text).toStartWith("hello");
  const followers = () =>
    Bun.spawnSync(["pgrep", "-P", String(machine.agentPid), "journalctl"])
      .stdout.toString()
      .trim();
  expect(followers()).not.toBe("");
  leave.abort();
  await waitUntil("journalctl to end", () => followers() === "");
});
