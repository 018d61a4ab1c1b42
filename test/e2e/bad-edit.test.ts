// Invariant 3: a bad manifest changes nothing that runs, also across a restart of the agent, and says where it is wrong.

import { expect, test } from "bun:test";
import type { ManifestFile } from "../../src/pod/desired.ts";
import { waitUntil } from "../wait-until.ts";
import { type Machine as AnyMachine, Machine, uuidOf } from "./machine.ts";
import { manifest } from "./manifest.ts";

async function rejected(machine: AnyMachine, file: string) {
  return waitUntil(`${file} to be rejected`, async () => {
    const { files } = (await (await machine.get("/manifests")).json()) as { files: readonly ManifestFile[] };
    const found = files.find(({ path }) => path === `${machine.manifests}/${file}`);
    return found?.state === "rejected" && found.problems;
  });
}

test("a typo leaves the pod running and shows its place; so does a restart of the agent; mending it changes nothing", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const good = manifest("web", { image: machine.image });
  await machine.write("web.yaml", good);
  const before = await machine.waitForReady("web");
  const units = await machine.runningUnits();

  await machine.write("web.yaml", good.replace("      command:", "      comand:"));
  const problems = await rejected(machine, "web.yaml");
  const line = good.split("\n").findIndex((text) => text.includes("command:")) + 1;
  expect(problems[0]).toMatchObject({ code: "UnknownField", line, column: 7 });
  expect(`${problems[0]?.message} ${problems[0]?.hint}`).toContain("command");

  await machine.stopAgent("SIGKILL");
  await machine.startAgent();
  await rejected(machine, "web.yaml");
  const after = await machine.waitForReady("web");
  expect(uuidOf(after)).toBe(uuidOf(before));
  expect(after.status?.startTime).toBe(before.status?.startTime);

  await machine.write("web.yaml", good);
  await waitUntil("the file to be accepted", async () => {
    const { files } = (await (await machine.get("/manifests")).json()) as { files: readonly ManifestFile[] };
    return files[0]?.state === "accepted";
  });
  expect(await machine.runningUnits()).toEqual(units);
});

test("two files with one name: both are named, what runs keeps running, and taking one away solves it", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("a.yaml", manifest("web", { image: machine.image }));
  await machine.waitForReady("web");
  const units = await machine.runningUnits();

  await machine.write(
    "b.yaml",
    manifest("web", { image: machine.image, scripts: { main: "exec sleep 999" } }),
  );
  for (const [file, other] of [
    ["a.yaml", "b.yaml"],
    ["b.yaml", "a.yaml"],
  ] as const) {
    const problems = await rejected(machine, file);
    expect(problems[0]?.code).toBe("Conflict");
    expect(`${problems[0]?.message} ${problems[0]?.hint}`).toContain(other);
  }
  expect(await machine.runningUnits()).toEqual(units);

  await machine.remove("b.yaml");
  await waitUntil("a.yaml to be accepted", async () => {
    const { files } = (await (await machine.get("/manifests")).json()) as { files: readonly ManifestFile[] };
    return files.length === 1 && files[0]?.state === "accepted";
  });
  expect(await machine.runningUnits()).toEqual(units);
});

test("a change that cannot be prepared leaves the old pod running (invariant 6), and says why; taking it back changes nothing", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const good = manifest("web", { image: machine.image });
  await machine.write("web.yaml", good);
  await machine.waitForReady("web");
  const units = await machine.runningUnits();

  await machine.write("web.yaml", manifest("web", { image: `${machine.path}/none.aci` }));
  const pod = await machine.waitForPod("web", "out of date", ({ status }) =>
    (status?.conditions ?? []).some(({ type, status }) => type === "UpToDate" && status === "False"),
  );
  const condition = pod.status?.conditions?.find(({ type }) => type === "UpToDate");
  expect(`${condition?.reason} ${condition?.message}`).toMatch(/ErrImagePull.*none\.aci/);
  expect(pod.status?.phase).toBe("Running");
  expect(await machine.runningUnits()).toEqual(units);

  await machine.write("web.yaml", good);
  await machine.waitForPod("web", "up to date", ({ status }) =>
    (status?.conditions ?? []).every(({ type, status }) => type !== "UpToDate" || status === "True"),
  );
  expect(await machine.runningUnits()).toEqual(units);
});
