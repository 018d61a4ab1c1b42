// Invariant 2: a manifest directory that cannot be observed never removes a pod.

import { expect, test } from "bun:test";
import { mkdir, rename } from "node:fs/promises";
import { waitUntil } from "../wait-until.ts";
import { Machine } from "./machine.ts";
import { manifest } from "./manifest.ts";

async function unreadable(machine: Machine): Promise<string | undefined> {
  return ((await (await machine.get("/manifests")).json()) as { unreadable?: string }).unreadable;
}

test("the directory is removed and made again: the pod stays, then the new directory's word counts", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const text = manifest("web", { image: machine.image });
  await machine.write("web.yaml", text);
  await machine.waitForReady("web");
  const units = await machine.runningUnits();

  await rename(machine.manifests, `${machine.path}/away`);
  await waitUntil("the agent to notice", async () => (await unreadable(machine)) !== undefined, 30_000);
  expect((await machine.get("/readyz?verbose")).ok).toBe(false);
  await machine.stopAgent("SIGKILL"); // and it is not forgotten by an agent that never saw the directory
  await machine.startAgent("/livez");
  await waitUntil("the pod in the status", async () => (await machine.pods()).length === 1);
  expect(await machine.runningUnits()).toEqual(units);

  await mkdir(machine.manifests);
  await machine.write("web.yaml", text);
  await machine.write("more.yaml", manifest("more", { image: machine.image }));
  await machine.waitForReady("more");
  expect([...(await machine.runningUnits()).keys()]).toEqual(expect.arrayContaining([...units.keys()]));
  await machine.remove("web.yaml");
  await waitUntil("web to be gone", async () => (await machine.pod("web")) === undefined);
});

test("a file where the directory should be is not an empty directory", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  await machine.waitForReady("web");
  const units = await machine.runningUnits();
  await rename(machine.manifests, `${machine.path}/away`);
  await Bun.write(machine.manifests, "oops");
  await waitUntil(
    "the agent to notice",
    async () => {
      const answer = (await (await machine.get("/manifests")).json()) as {
        unreadable?: string;
        files: readonly unknown[];
      };
      return answer.unreadable !== undefined || answer.files.length > 0;
    },
    30_000,
  );
  expect(await machine.runningUnits()).toEqual(units);
});
