// What broken-off actions left is gone once the agent is up, what others own stays, and what is busy holds up nothing.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { waitUntil } from "../wait-until.ts";
import { executable } from "./executable.ts";
import { Machine, run, uuidOf } from "./machine.ts";
import { manifest } from "./manifest.ts";

const uuid = "3b7f27cf-8a07-4d4b-9f2e-5a2d9f0f2a11";
const units = "/run/systemd/system";

test("leftovers of ours go, and what looks like them stays", async () => {
  await using machine = await Machine.create();
  const state = `${machine.path}/state`;
  const ours = [
    `${state}/pods/gone/.manifest.json.tmp`,
    `${state}/.fetched-images.tmp`,
    `${units}/.gantry-${uuid}.service.tmp`,
    `${state}/rkt/cas/tmp/0123456789ab/rootfs/half`,
    `${state}/rkt/cas/layers/0123456789012345678901234/fs/file`,
    `${machine.path}/run/credentials/x/auth.d/secret.json`,
  ];
  const others = [
    `${units}/gantry-mine.service`,
    `${units}/.mine.service.tmp`,
    `${state}/mine`,
    `${machine.path}/run/mine`,
  ];
  for (const file of [...ours, ...others]) {
    await mkdir(file.replace(/\/[^/]*$/, ""), { recursive: true });
    await writeFile(file, "[Service]\nExecStart=/bin/true\n");
  }
  const volume = `${state}/pods/gone/volumes/kubernetes.io~empty-dir/memory`;
  await mkdir(volume, { recursive: true });
  await run("mount", "-t", "tmpfs", "tmpfs", volume);

  await machine.startAgent();
  await waitUntil("the directory of no pod to be gone", () => !existsSync(`${state}/pods/gone`));
  await waitUntil("the rest to be gone", () => !ours.some((file) => existsSync(file)));
  expect(others.filter((file) => !existsSync(file))).toEqual([]);
  expect(await machine.leftovers()).toEqual(["gantry-mine.service"]);
  for (const file of others.filter((each) => each.startsWith(units))) await rm(file);
});

test("a unit goes whose rkt pod and manifest are gone, and an app's unit whose pod is gone", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  const web = uuidOf((await machine.waitForReady("web")) as Pod);
  await machine.stopAgent("SIGKILL");
  await machine.remove("web.yaml");
  const appUnit = await readFile(`${units}/gantry-${web}-main.service`, "utf8");
  await run("systemctl", "stop", `gantry-${web}.service`);
  await run(await executable(), "rkt", `--dir=${machine.path}/state/rkt`, "rm", String(web));
  await writeFile(`${units}/gantry-${web}-main.service`, appUnit);
  expect(existsSync(`${units}/gantry-${web}.service`)).toBe(true);
  await machine.startAgent();
  await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0);
});

test("what is busy is shown, holds up no other pod, and goes once nobody uses it", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  const web = uuidOf((await machine.waitForReady("web")) as Pod);
  const user = Bun.spawn(["sleep", "1000"], {
    cwd: `${machine.path}/state/rkt/pods/run/${web}/apps/main/root`,
  });
  await machine.remove("web.yaml");
  const overview = async () => (await machine.get("/")).text();
  const shown = await waitUntil("it to be shown", async () => {
    const text = await overview();
    return text.includes("cannot be removed") && text;
  });
  expect(shown).toMatch(new RegExp(`cannot be removed for \\d+s: rkt pod ${web}: .*busy`));
  await machine.write("other.yaml", manifest("other", { image: machine.image }));
  await machine.waitForReady("other");
  user.kill();
  await user.exited;
  await waitUntil("it to be gone", async () => !(await overview()).includes("cannot be removed"), 30_000);
  await machine.remove("other.yaml");
  await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0);
}, 60_000);
