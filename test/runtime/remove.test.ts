// The removal of a revision, with the built-in engine and a real systemd.

import { describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { mkdir, rmdir } from "node:fs/promises";
import { runCommand } from "../../src/host/command.ts";
import { podSliceName, podUnitName } from "../../src/pod/names.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { deliberate } from "../../src/reconcile/action.ts";
import { plainAttempt } from "../plain-pod.ts";
import { waitUntil } from "../wait-until.ts";
import { RuntimeMachine } from "./runtime-machine.ts";

const { signal } = new AbortController();
const limits = { timeoutMs: 30_000 };

test("regression: a removal that was broken off left what looked like a revision that has just failed", async () => {
  await using machine = await RuntimeMachine.create();
  const pod = machine.makePod("web", { command: ["/bin/true"] });
  const uuid = await machine.launch(pod);
  const revision = await waitUntil("it to end", async () => {
    const seen = await machine.revision(uuid);
    return seen.state.kind === "exited" && seen;
  });
  const obstacle = `${machine.path}/pods/${pod.uid}/ready-${uuid}`;
  await mkdir(obstacle);
  expect(machine.runtime.remove(revision, signal)).rejects.toThrow("Cannot remove rkt pod");
  await machine.runtime.remove(revision, signal).catch(() => undefined);
  expect(await Bun.file(`/run/systemd/system/${podUnitName(uuid)}`).exists()).toBe(false);

  await rmdir(obstacle);
  await machine.runtime.remove(revision, signal);
  expect((await machine.runtime.observe(signal)).revisions).toEqual([]);
});

test("regression: what was never started seemed to have failed while it was removed", async () => {
  await using machine = await RuntimeMachine.create();
  const pod = machine.makePod("web", { command: ["/bin/true"] });
  const uuid = await machine.runtime.prepare(pod, plainAttempt, signal);
  const revision = await machine.revision(uuid);
  let isRemoved = false;
  const removing = machine.runtime.remove(revision, signal).finally(() => {
    isRemoved = true;
  });
  const seen: string[] = [revision.state.kind];
  while (!isRemoved)
    seen.push(...(await machine.runtime.observe(signal)).revisions.map(({ state }) => state.kind));
  await removing;
  expect([...new Set(seen)]).toEqual(["prepared"]);
});

describe("a pod's slice", () => {
  const sliceOf = async (pod: Pod) => {
    const [unit] = await systemctl("list-units", "--no-legend", "--plain", podSliceName(pod.uid));
    return unit?.split(/\s+/)[2];
  };

  test("regression: each version of a pod left one, with its cgroups, until the machine was shut down", async () => {
    await using machine = await RuntimeMachine.create();
    const pod = machine.makePod("web", { command: ["/bin/sleep", "1000"] });
    const revision = await machine.start(pod);
    expect(await sliceOf(pod)).toBe("active");
    await machine.runtime.stop(revision, deliberate, signal);
    await machine.runtime.remove(await machine.revision(revision.uuid), signal);
    await machine.runtime.removePodDirectory(pod.uid, signal);
    expect(await sliceOf(pod)).toBeUndefined();
    await machine.runtime.removePodDirectory(pod.uid, signal); // as often as one likes
  });

  test("stays as long as somebody else has a unit in it", async () => {
    await using machine = await RuntimeMachine.create();
    const pod = machine.makePod("web", {});
    const slice = podSliceName(pod.uid);
    const other = `other-${randomUUID()}.service`;
    await runCommand(
      ["systemd-run", "--quiet", `--slice=${slice}`, `--unit=${other}`, "sleep", "1000"],
      limits,
    );
    await machine.runtime.removePodDirectory(pod.uid, signal);
    expect(await systemctl("is-active", other)).toEqual(["active"]);
    await systemctl("stop", other, slice);
  });
});

async function systemctl(...args: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await runCommand(["systemctl", ...args], limits);
  return stdout.split("\n").filter((line) => line !== "");
}
