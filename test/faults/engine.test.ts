// The engine killed while it starts a pod: the pod is started again, and nothing of the first attempt stays.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { faultyExecutable } from "../e2e/executable.ts";
import { Machine, run } from "../e2e/machine.ts";
import { networkState } from "../engine/network/networked-pod.ts";
import { waitUntil } from "../wait-until.ts";
import { leftoversOf } from "./machine-state.ts";
import { untilNone } from "./until-none.ts";

let machine: Machine;
let networkBefore: readonly string[];

beforeAll(async () => {
  machine = await Machine.create({ executable: faultyExecutable });
  networkBefore = await networkState();
  await machine.startAgent();
});
afterAll(() => machine[Symbol.asyncDispose]());

const manifest = (image: string) => `apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {gantry.io/restart-backoff: 1s, gantry.io/restart-backoff-max: 1s}
spec:
  terminationGracePeriodSeconds: 2
  containers:
    - name: main
      image: ${image}
      command: [/bin/sh, -c, exec sleep 1000000]
      ports: [{containerPort: 80, hostPort: 8280}]
`;

test.each([
  "^moving to run$",
  "^moved to run$",
  "^attaching$",
  "^attached$",
  "^starting apps$",
  "^started apps$",
])(
  "at %s",
  async (point) => {
    const since = `--since=@${Date.now() / 1000}`;
    // What systemd starts has it from there.
    await run("systemctl", "set-environment", `FAULT_POINT=${point}:1`);
    try {
      await machine.write("web.yaml", manifest(machine.image));
      const journal = ["journalctl", "--output=cat", "--no-pager", since, "--unit=gantry-*"];
      const told = () => run(...journal).catch(() => ""); // it fails while there is no such unit
      await waitUntil("the unit to be killed", async () =>
        (await told()).includes("Main process exited, code=killed, status=9/KILL"),
      );
    } finally {
      await run("systemctl", "unset-environment", "FAULT_POINT"); // whatever comes next is not to be killed
    }
    // For a moment the status is still about what was killed.
    await waitUntil("another to run", async () => (await machine.runningUnits()).size === 1, 30_000);
    await machine.waitForReady("web");
    expect((await machine.runningUnits()).size).toBe(1);
    await machine.remove("web.yaml");
    await untilNone("what is left to go", () => leftoversOf(machine), machine);
    expect(await networkState()).toEqual(networkBefore);
  },
  150_000,
);
