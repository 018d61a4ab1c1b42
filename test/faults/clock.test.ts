// The wall clock jumps, as where a machine without a battery hears of the time, or of a wrong one. libfaketime lies to the agent and all that it
// runs; the machine's own clock is nobody's to set.

import { expect, test } from "bun:test";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { Machine, run, uuidOf } from "../e2e/machine.ts";
import { manifest } from "../e2e/manifest.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";

const restarts = ({ status }: Pod) => status?.containerStatuses?.[0]?.restartCount ?? 0;

test("a clock stepped a year ahead, and two back, ends, restarts and forgets nothing", async () => {
  await using dir = await tempDir();
  await Bun.write(`${dir.path}/time`, "+0\n");
  const [library = ""] = (await run("find", "/usr/lib", "-name", "libfaketimeMT.so.1")).split("\n");
  await using machine = await Machine.create({
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: `${dir.path}/time`,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
  });
  await machine.startAgent();
  const { image } = machine;
  const probe = "      livenessProbe: {exec: {command: ['true']}, periodSeconds: 1}\n";
  await machine.write("web.yaml", `${manifest("web", { image })}${probe}`);
  const backOff = "  annotations: {gantry.io/restart-backoff: 1s, gantry.io/restart-backoff-max: 1s}\nspec:";
  const crashing = manifest("crashing", { image, scripts: { main: "exit 1" } }).replace("spec:", backOff);
  await machine.write("crashing.yaml", crashing);
  await machine.write(
    "done.yaml",
    manifest("done", { image, scripts: { main: "exit 0" }, restartPolicy: "OnFailure" }),
  );
  const web = await machine.waitForReady("web");
  const succeeded = ({ status }: Pod) => status?.phase === "Succeeded";
  const done = await machine.waitForPod("done", "done", succeeded);
  await machine.waitForPod("crashing", "restarted", (pod) => restarts(pod) >= 2);

  const expectAsBefore = async () => {
    const count = restarts((await machine.pod("crashing")) ?? {});
    const sinceMs = performance.now();
    await machine.waitForPod("crashing", "restarted twice more", (pod) => restarts(pod) >= count + 2, 20_000);
    expect(performance.now() - sinceMs).toBeGreaterThan(1000); // one back-off at least was waited for
    expect(uuidOf(await machine.waitForReady("web"))).toBe(uuidOf(web) as string);
    expect(uuidOf(await machine.waitForPod("done", "still done", succeeded))).toBe(uuidOf(done) as string);
  };
  const yearOf = async () => new Date((await machine.get("/pods")).headers.get("date") ?? "").getFullYear();
  for (const step of ["+365d", "-365d"]) {
    const year = await yearOf();
    await Bun.write(`${dir.path}/time`, `${step}\n`);
    await waitUntil("the agent to live in another year", async () => (await yearOf()) !== year);
    await expectAsBefore();
    await machine.stopAgent("SIGKILL");
    await machine.startAgent();
    await expectAsBefore();
  }
  await machine.write("new.yaml", manifest("new", { image }));
  await machine.waitForReady("new");
  await machine.remove("web.yaml");
  await waitUntil("what was deleted to be gone", async () => (await machine.pod("web")) === undefined);
}, 120_000);
