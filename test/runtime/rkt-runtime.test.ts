// The port made of rkt and systemd keeps the port's contract, with the built-in engine and a real systemd.

import { expect, test } from "bun:test";
import { constants } from "node:os";
import { systemClock } from "../../src/host/clock.ts";
import { appUnitName } from "../../src/pod/names.ts";
import { type Behaviour, type RuntimeUnderTest, runtimeContract } from "../contract/runtime.ts";
import { run } from "../e2e/machine.ts";
import { plainAttempt } from "../plain-pod.ts";
import { configMapVolume } from "../reconcile/base-world.ts";
import { waitUntil } from "../wait-until.ts";
import { RuntimeMachine } from "./runtime-machine.ts";

const commands: Readonly<Record<Behaviour, readonly string[]>> = {
  runs: ["/bin/sleep", "100000"],
  endsLate: ["/bin/sh", "-c", "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done"],
  mountsSettings: ["/bin/sleep", "100000"],
  exits0: ["/bin/true"],
  exits3: ["/bin/sh", "-c", "exit 3"],
  imageMissing: ["/bin/true"],
  programMissing: ["/no/such/program"],
};

runtimeContract("rkt and systemd, with the built-in engine", async () => {
  const machine = await RuntimeMachine.create();
  return {
    runtime: machine.runtime,
    makePod(name, behaviour) {
      const image = behaviour === "imageMissing" ? `${machine.image}.missing` : machine.image;
      const volumes = behaviour === "mountsSettings" ? [configMapVolume("settings")] : [];
      return machine.makePod(name, { image, command: commands[behaviour] }, { volumes });
    },
    async canBeTold({ uuid }) {
      const pid = await run("systemctl", "show", "--value", "-p", "MainPID", appUnitName(uuid, "main"));
      const status = await Bun.file(`/proc/${pid.trim()}/status`)
        .text()
        .catch(() => "");
      const [, caught = "0"] = /^SigCgt:\s*(\w+)$/m.exec(status) ?? [];
      return (BigInt(`0x${caught}`) & (1n << BigInt(constants.signals.SIGTERM - 1))) !== 0n;
    },
    // To the engine an app that ends is a unit that stops before its pod's.
    async hasBeenTold({ uuid }) {
      const state = await run("systemctl", "show", "--value", "-p", "ActiveState", appUnitName(uuid, "main"));
      return state.trim() === "deactivating";
    },
    setObjects(objects) {
      machine.objects = objects;
    },
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  } satisfies RuntimeUnderTest;
});

test("a life, and what a revision runs for, begin with its start, as the old version may take long to end", async () => {
  await using machine = await RuntimeMachine.create();
  const { runtime } = machine;
  const { signal } = new AbortController();
  const pod = machine.makePod("web", { command: commands.runs });
  const uuid = await runtime.prepare(pod, plainAttempt, signal);
  const preparedMs = systemClock.nowMs();
  await waitUntil("some time to pass", () => systemClock.nowMs() > preparedMs + 500);
  const startMs = systemClock.nowMs();
  await runtime.start(uuid, signal);
  const first = await waitUntil("its app to run", async () => {
    const revision = await machine.revision(uuid);
    return revision.apps.every((app) => app.state.kind === "running") && revision;
  });
  expect(first.startedMs).toBeWithin(startMs, systemClock.nowMs() + 1);
  expect(first.activeSinceMs).toBe(first.startedMs ?? 0);

  await runtime.stop(first, { cause: undefined, graceSeconds: undefined }, signal);
  const { state } = await machine.revision(uuid);
  if (state.kind !== "exited") throw new Error("it has not ended");
  expect(state.ranForMs).toBe(state.finishedMs - (first.startedMs ?? 0));

  const again = await machine.start(pod, { restartCount: 1, activeSinceMs: first.activeSinceMs });
  expect(again.activeSinceMs).toBe(first.activeSinceMs);
  expect(again.startedMs).toBeGreaterThan(state.finishedMs);
});
