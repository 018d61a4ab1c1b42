// Invariant 3: only who deletes a manifest deletes its pod. A directory that is unmounted, emptied or gone has nothing deleted, whoever
// restarts meanwhile, until it is back or a person confirms.

import { expect, test } from "bun:test";
import { mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { waitUntil } from "../wait-until.ts";
import { type Machine as AnyMachine, Machine, run, uuidOf } from "./machine.ts";
import { call } from "./machine-cli.ts";
import { manifest } from "./manifest.ts";

const names = ["web", "worker"] as const;

interface Manifests {
  readonly unreadable?: string;
  readonly held: readonly string[];
}

async function manifests(machine: AnyMachine): Promise<Manifests> {
  return (await (await machine.get("/manifests")).json()) as Manifests;
}

/** Renamed into place; unlike Machine.write() where the directory is on a file system of its own too. */
async function put(machine: AnyMachine, name: string, image = machine.image): Promise<void> {
  await Bun.write(`${machine.manifests}/.new`, manifest(name, { image }));
  await rename(`${machine.manifests}/.new`, `${machine.manifests}/${name}.yaml`);
}

/** Two pods that are Ready, and the units that run them. */
async function startPods(machine: AnyMachine): Promise<ReadonlyMap<string, string>> {
  await machine.startAgent();
  for (const name of names) await put(machine, name);
  for (const name of names) await machine.waitForReady(name);
  return machine.runningUnits();
}

/** A look without a hint is made every 15 s. */
function waitUntilHeld(machine: AnyMachine, why: string): Promise<Manifests> {
  return waitUntil(
    `the agent to tell ${why}`,
    async () => {
      const told = await manifests(machine);
      return told.unreadable?.includes(why) && told;
    },
    30_000,
  );
}

async function waitUntilReady(machine: AnyMachine): Promise<void> {
  await waitUntil(
    "the directory to be ready",
    async () => (await manifests(machine)).unreadable === undefined,
    30_000,
  );
}

async function restartAgent(machine: AnyMachine): Promise<void> {
  await machine.stopAgent("SIGKILL");
  await machine.startAgent("/livez"); // it is not ready
  await waitUntil("the pods in the status", async () => (await machine.pods()).length === names.length);
}

async function crash(machine: AnyMachine, name: string): Promise<void> {
  const before = uuidOf(await machine.waitForReady(name));
  await run("systemctl", "kill", "--signal=KILL", `gantry-${before}-main.service`);
  await machine.waitForPod(
    name,
    "started again",
    (pod) => ![before, undefined].includes(uuidOf(pod)),
    30_000,
  );
  await machine.waitForReady(name);
}

function confirm(machine: AnyMachine): Promise<string> {
  const url = "http://gantry/manifests/confirm-delete";
  return run("curl", "--silent", "--fail-with-body", "--unix-socket", machine.socket, "-X", "POST", url);
}

test("unmounted, with the agent restarted and a pod crashing meanwhile, and mounted again", async () => {
  await using machine = await Machine.create();
  const disk = `${machine.path}/disk`;
  await mkdir(disk);
  await run("mount", "-t", "tmpfs", "manifests", disk);
  await run("mount", "--bind", disk, machine.manifests);
  const units = await startPods(machine);
  await run("umount", machine.manifests);
  const { unreadable, held } = await waitUntilHeld(machine, "is on another file system than before");
  expect(unreadable).toContain("lacks 2 manifests (web.yaml, worker.yaml): is something not mounted?");
  expect(held).toEqual(["default/web-node", "default/worker-node"]);
  expect(await (await machine.get("/")).text()).toContain(unreadable ?? "none");
  expect((await machine.get("/readyz")).status).toBe(503);
  const { stderr } = await call(machine, ["manifests"]);
  expect(stderr).toContain("lacks 2 manifests (web.yaml, worker.yaml): is something not mounted?");
  expect(stderr).toContain("kept though their manifests are missing: default/web-node, default/worker-node");

  await restartAgent(machine);
  await waitUntilHeld(machine, "is on another file system than before");
  expect(await machine.runningUnits()).toEqual(units);
  await crash(machine, "web");

  // Not even what is put there counts: it would be gone once the disk is back.
  await put(machine, "web", `${machine.path}/none.aci`);
  await waitUntilHeld(machine, "lacks a manifest (worker.yaml)");
  const after = await machine.runningUnits();
  await run("mount", "--bind", disk, machine.manifests);
  await waitUntilReady(machine);
  expect(await machine.runningUnits()).toEqual(after);
  await machine.remove("worker.yaml");
  await waitUntil("worker to be gone", async () => (await machine.pod("worker")) === undefined);
}, 120_000);

test("mounted over, and confirmed", async () => {
  await using machine = await Machine.create();
  const units = await startPods(machine);
  await run("mount", "-t", "tmpfs", "over", machine.manifests);
  await waitUntilHeld(machine, "is on another file system than before");
  expect(await machine.runningUnits()).toEqual(units);
  expect(await call(machine, ["confirm-delete"])).toEqual({
    exitCode: 0,
    stdout: "pod default/web-node is deleted\npod default/worker-node is deleted\n",
    stderr: "",
  });
  await waitUntilReady(machine);
  await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 1); // the mount over it
  await put(machine, "web");
  await machine.waitForReady("web");
}, 120_000);

test("emptied at once, with the agent restarted meanwhile, and confirmed", async () => {
  await using machine = await Machine.create();
  const units = await startPods(machine);
  const remembered = await stat(`${machine.path}/state/manifests.json`);
  await run("sh", "-c", `rm ${machine.manifests}/*`);
  await waitUntilHeld(machine, "holds no manifest any more and lacks 2 manifests (web.yaml, worker.yaml)");
  expect((await stat(`${machine.path}/state/manifests.json`)).mtimeMs).toBeGreaterThan(remembered.mtimeMs);
  await restartAgent(machine);
  await waitUntilHeld(machine, "holds no manifest any more");
  expect(await machine.runningUnits()).toEqual(units);
  const told = JSON.parse(await confirm(machine)) as unknown;
  expect(told).toEqual({ deleted: ["default/web-node", "default/worker-node"] });
  await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0);
  expect(await manifests(machine)).toEqual({
    path: machine.manifests,
    held: [],
    files: [],
  } as object as Manifests);
}, 60_000);

test("removed while the agent is not there, and filled again file by file", async () => {
  await using machine = await Machine.create();
  const units = await startPods(machine);
  await machine.stopAgent();
  await rename(machine.manifests, `${machine.path}/away`);
  await machine.startAgent("/livez");
  await waitUntilHeld(machine, "is not there. Nothing is deleted: put it back");
  expect(await machine.runningUnits()).toEqual(units);
  await mkdir(machine.manifests);
  const web = await readFile(`${machine.path}/away/web.yaml`, "utf8");
  await machine.write("web.yaml", web);
  await waitUntilHeld(machine, "still lacks a manifest (worker.yaml)");
  expect(await machine.runningUnits()).toEqual(units);
  const { held } = await manifests(machine);
  expect(held).toEqual(["default/worker-node"]);
  await waitUntil("worker to be missed", async () => (await machine.pod("worker")) === undefined, 45_000);
  expect((await machine.get("/readyz")).status).toBe(200);
  expect((await machine.runningUnits()).size).toBe(1);
}, 90_000);

test("the only manifest is deleted like any other", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  await machine.waitForReady("web");
  await rm(`${machine.manifests}/web.yaml`);
  await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0);
});
