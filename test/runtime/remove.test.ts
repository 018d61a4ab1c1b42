// The removal of a revision, with the built-in engine and a real systemd.

import { expect, test } from "bun:test";
import { mkdir, rmdir } from "node:fs/promises";
import { podUnitName } from "../../src/pod/names.ts";
import { plainAttempt } from "../plain-pod.ts";
import { waitUntil } from "../wait-until.ts";
import { RuntimeMachine } from "./runtime-machine.ts";

const { signal } = new AbortController();

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
