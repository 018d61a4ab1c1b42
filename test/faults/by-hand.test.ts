// What a person does to pods beside gantry: what is wanted runs again, and what somebody has forbidden is told, not fought.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { executable } from "../e2e/executable.ts";
import { isReady, Machine, run, uuidOf } from "../e2e/machine.ts";
import { manifest } from "../e2e/manifest.ts";
import { waitUntil } from "../wait-until.ts";

let machine: Machine;
let other: Pod;
let before: Pod;

beforeAll(async () => {
  machine = await Machine.create();
  await machine.startAgent();
  const annotated = (name: string) =>
    manifest(name, { image: machine.image }).replace(
      "spec:",
      "  annotations: {gantry.io/restart-backoff: 1s, gantry.io/restart-backoff-max: 1s}\nspec:",
    );
  await machine.write("web.yaml", annotated("web"));
  await machine.write("other.yaml", annotated("other"));
  other = await machine.waitForReady("other");
});
beforeEach(async () => {
  before = await machine.waitForReady("web");
});
afterAll(() => machine[Symbol.asyncDispose]());

const unit = (pod: Pod) => `gantry-${uuidOf(pod)}.service`;
const rkt = async (...args: string[]) =>
  run(await executable(), "rkt", `--dir=${machine.path}/state/rkt`, ...args);

async function expectRunsAgain(): Promise<Pod> {
  const again = (pod: Pod) => isReady(pod) && uuidOf(pod) !== uuidOf(before);
  const pod = await machine.waitForPod("web", "running again", again, 30_000);
  expect(uuidOf((await machine.pod("other")) ?? {})).toBe(uuidOf(other) as string);
  return pod;
}

test("its unit is stopped: it is started again", async () => {
  await run("systemctl", "stop", unit(before));
  await expectRunsAgain();
});

test("its unit is killed: it is started again", async () => {
  await run("systemctl", "kill", "--signal=KILL", unit(before));
  await expectRunsAgain();
});

test("the file of its unit is removed, and it is stopped: it is started again, and nothing of the old unit stays", async () => {
  await run("rm", `/run/systemd/system/${unit(before)}`);
  await run("systemctl", "daemon-reload");
  await run("systemctl", "stop", unit(before));
  await expectRunsAgain();
  await waitUntil("nothing of the old one to be loaded", async () => {
    const loaded = await run("systemctl", "list-units", "--all", "--plain", "--no-legend", unit(before));
    return loaded === "";
  });
});

test("its unit is masked: it runs on, and is started again under another name", async () => {
  await run("systemctl", "mask", unit(before));
  await run("systemctl", "stop", unit(before));
  await expectRunsAgain();
  await run("systemctl", "unmask", unit(before));
});

test("all that is the pod's is masked: that is told, and it is started once it is not", async () => {
  const slice = `gantry-${before.metadata?.uid}.slice`;
  await run("systemctl", "mask", slice);
  await run("systemctl", "stop", unit(before));
  const masked = await machine.waitForPod("web", "refused", ({ status }) =>
    /masked/.test(status?.containerStatuses?.[0]?.state?.waiting?.message ?? ""),
  );
  expect(masked.status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe("RunContainerError");
  await run("systemctl", "unmask", slice);
  await expectRunsAgain();
});

test("it is stopped and removed from rkt: it is run again", async () => {
  await rkt("stop", "--force", uuidOf(before) ?? "");
  await waitUntil("rkt to remove it", () => rkt("rm", uuidOf(before) ?? "").catch(() => undefined));
  await expectRunsAgain();
});

test("its directory is removed while it runs, and with it all that was known: it is run again, and once", async () => {
  await run("rm", "-rf", `${machine.path}/state/pods/${before.metadata?.uid}`);
  await run("systemctl", "kill", "--signal=KILL", unit(before));
  await expectRunsAgain();
  expect((await machine.runningUnits()).size).toBe(2);
});
