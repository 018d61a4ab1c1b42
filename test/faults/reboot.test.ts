// Pods that were ended by something else than themselves and us: by hand, by a shutdown, by a power cut.

import { expect, test } from "bun:test";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { executable } from "../e2e/executable.ts";
import { Machine, removeUnits, run, uuidOf } from "../e2e/machine.ts";
import { manifest } from "../e2e/manifest.ts";
import { waitUntil } from "../wait-until.ts";

const sleeper = { main: "exec sleep 100000" };

test("regression: a pod that was stopped by hand counted as completed", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const { image } = machine;
  await machine.write(
    "retried.yaml",
    manifest("retried", { image, scripts: sleeper, restartPolicy: "OnFailure" }),
  );
  await machine.write("never.yaml", manifest("never", { image, scripts: sleeper, restartPolicy: "Never" }));
  const retried = await machine.waitForReady("retried");
  const never = await machine.waitForReady("never");

  await run("systemctl", "stop", `gantry-${uuidOf(never)}.service`, `gantry-${uuidOf(retried)}.service`);
  const failed = await machine.waitForPod("never", "failed", (pod) => pod.status?.phase === "Failed");
  expect(failed.status?.containerStatuses?.[0]?.state?.terminated?.reason).toBe("ContainerStatusUnknown");
  await machine.waitForPod(
    "retried",
    "running again",
    (pod) =>
      pod.status?.containerStatuses?.[0]?.state?.running !== undefined && uuidOf(pod) !== uuidOf(retried),
  );
  expect(uuidOf((await machine.pod("never")) ?? {})).toBe(uuidOf(never) ?? "");
});

test("regression: a completed pod that somebody removed from rkt was run again, at the latest after a reboot", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const done = { image: machine.image, scripts: { main: "exit 0" }, restartPolicy: "OnFailure" };
  await machine.write("done.yaml", manifest("done", done));
  await machine.write("other.yaml", manifest("other", { image: machine.image, scripts: sleeper }));
  const isDone = (pod: { status?: { phase?: string } }) => pod.status?.phase === "Succeeded";
  const uuid = uuidOf(await machine.waitForPod("done", "done", isDone));
  await waitUntil("its unit to have ended too", async () => (await machine.runningUnits()).size === 1);
  await run(await executable(), "rkt", `--dir=${machine.path}/state/rkt`, "rm", uuid ?? "");
  for (const how of ["restart", "shutdown"] as const) {
    if (how === "shutdown") await reboot(machine, how);
    else await machine.stopAgent();
    await machine.startAgent();
    await machine.waitForReady("other");
    const pod = await machine.waitForPod("done", "still done", isDone);
    expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 0,
      reason: "Completed",
    });
    expect((await machine.runningUnits()).size).toBe(1);
  }
});

/** What a reboot leaves: no process, no mount, nothing in /run; after a power cut the disk is as it was while all ran. */
async function reboot(machine: Machine, how: "shutdown" | "power cut"): Promise<void> {
  await machine.stopAgent("SIGKILL");
  const state = `${machine.path}/state`;
  // It fails over namespaces that are mounted on files, after it has copied the rest.
  await run("cp", "--archive", "--one-file-system", state, `${state}.cut`).catch(() => undefined);
  await removeUnits(machine.path);
  if (how === "shutdown") return;
  await rm(state, { recursive: true });
  await rename(`${state}.cut`, state);
}

test.each(["shutdown", "power cut"] as const)(
  "after a %s, what ran is run again if its policy says so, and what had completed stays so",
  async (how) => {
    await using machine = await Machine.create();
    await machine.startAgent();
    const { image } = machine;
    await machine.write("always.yaml", manifest("always", { image, scripts: sleeper }));
    await machine.write(
      "retried.yaml",
      manifest("retried", { image, scripts: sleeper, restartPolicy: "OnFailure" }),
    );
    await machine.write("never.yaml", manifest("never", { image, scripts: sleeper, restartPolicy: "Never" }));
    await machine.write(
      "done.yaml",
      manifest("done", { image, scripts: { main: "exit 0" }, restartPolicy: "OnFailure" }),
    );
    const before = new Map<string, string | undefined>();
    for (const name of ["always", "retried", "never"])
      before.set(name, uuidOf(await machine.waitForReady(name)));
    const succeeded = (pod: { status?: { phase?: string } }) => pod.status?.phase === "Succeeded";
    before.set("done", uuidOf(await machine.waitForPod("done", "done", succeeded)));

    await waitUntil("its unit to have ended too", async () => (await machine.runningUnits()).size === 3);

    await reboot(machine, how);
    await machine.startAgent();
    for (const name of ["always", "retried"]) {
      const pod = await machine.waitForReady(name);
      expect([name, uuidOf(pod) === before.get(name)]).toEqual([name, false]);
    }
    const never = await machine.waitForPod("never", "failed", (pod) => pod.status?.phase === "Failed");
    const done = await machine.waitForPod("done", "still done", succeeded);
    expect([uuidOf(never), uuidOf(done)]).toEqual([before.get("never"), before.get("done")]);
    expect((await machine.runningUnits()).size).toBe(2);
  },
);

test("regression: what a kill within rkt left in our data directory stayed for ever", async () => {
  await using machine = await Machine.create();
  const pods = `${machine.path}/state/rkt/pods`;
  const rkt = [await executable(), "rkt", `--dir=${machine.path}/state/rkt`, "--insecure-options=image"];
  const prepared = (await run(...rkt, "prepare", "--quiet", machine.image)).trim();
  const aborted = "00000000-1111-4222-8333-444444444444";
  await mkdir(`${pods}/prepare/${aborted}`);
  await run("mkfifo", `${pods}/prepare/${aborted}/lock`);
  const removed = "00000000-1111-4222-8333-555555555555";
  await mkdir(`${pods}/garbage/${removed}/apps`, { recursive: true });
  await writeFile(`${pods}/garbage/${removed}/apps/data`, "x");

  await machine.startAgent();
  await waitUntil(
    "it to be gone",
    async () =>
      (await Promise.all(["prepare", "garbage"].map((phase) => readdir(`${pods}/${phase}`)))).flat()
        .length === 0,
  );
  expect(await run(...rkt, "status", prepared)).toContain("state=prepared");
});
