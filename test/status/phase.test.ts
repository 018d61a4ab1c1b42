// The kubelet's phase tables: two containers, init containers and sidecars before one, three policies.

import { describe, expect, test } from "bun:test";
import type { ContainerState, ContainerStatus } from "kubernetes-types/core/v1";
import { type Phase, podPhase, type StatusesByKind } from "../../src/status/phase.ts";

const running: ContainerState = { running: {} };
const waiting: ContainerState = { waiting: {} };
const succeeded: ContainerState = { terminated: { exitCode: 0 } };
const failed: ContainerState = { terminated: { exitCode: 1 } };

function status(state: ContainerState, change: Partial<ContainerStatus> = {}): ContainerStatus {
  return { name: "main", image: "", imageID: "", ready: false, restartCount: 0, state, ...change };
}
const again = (lastState: ContainerState) => status(waiting, { lastState });
const started = status(running, { started: true });
const starting = status(running, { started: false });

type PhasesByPolicy = readonly [always: Phase, never: Phase, onFailure: Phase];

function expectPhases(statuses: Partial<StatusesByKind>, [always, never, onFailure]: PhasesByPolicy): void {
  const all = { init: [], sidecar: [], containers: [], ...statuses };
  expect([podPhase("Always", all), podPhase("Never", all), podPhase("OnFailure", all)]).toEqual([
    always,
    never,
    onFailure,
  ]);
}

describe("containers:", () => {
  test.each<[what: string, containers: readonly ContainerStatus[], phases: PhasesByPolicy]>([
    ["both wait", [status(waiting), status(waiting)], ["Pending", "Pending", "Pending"]],
    ["running, running", [status(running), status(running)], ["Running", "Running", "Running"]],
    ["both exit 0", [status(succeeded), status(succeeded)], ["Running", "Succeeded", "Succeeded"]],
    ["both failed", [status(failed), status(failed)], ["Running", "Failed", "Running"]],
    ["one failed, one ended well", [status(failed), status(succeeded)], ["Running", "Failed", "Running"]],
    ["running, ended well", [status(running), status(succeeded)], ["Running", "Running", "Running"]],
    ["running, waiting", [status(running), status(waiting)], ["Pending", "Pending", "Pending"]],
    ["running, waiting again", [status(running), again(failed)], ["Running", "Running", "Running"]],
    ["both waiting again", [again(failed), again(failed)], ["Running", "Failed", "Running"]],
  ])("%s", (_what, containers, phases) => expectPhases({ containers }, phases));
});

const pending: PhasesByPolicy = ["Pending", "Pending", "Pending"];

describe("init containers:", () => {
  test.each<[what: string, statuses: Partial<StatusesByKind>, phases: PhasesByPolicy]>([
    ["not begun", { init: [status(waiting)] }, pending],
    ["running", { init: [status(running)] }, pending],
    ["the second one running", { init: [status(succeeded), status(running)] }, pending],
    ["failed", { init: [status(failed)] }, ["Pending", "Failed", "Pending"]],
    ["failed, waiting again", { init: [again(failed)] }, ["Pending", "Failed", "Pending"]],
    ["ended well", { init: [status(succeeded)] }, pending],
    [
      "ended well, and the container runs",
      { init: [status(succeeded)], containers: [status(running)] },
      ["Running", "Running", "Running"],
    ],
    [
      "running again while the containers are to be restarted, as after a reboot",
      { init: [status(running)], containers: [again(failed)] },
      ["Running", "Failed", "Running"],
    ],
  ])("%s", (_what, statuses, phases) => expectPhases({ containers: [status(waiting)], ...statuses }, phases));
});

describe("sidecars:", () => {
  const isRunning: PhasesByPolicy = ["Running", "Running", "Running"];
  test.each<[what: string, sidecar: ContainerStatus, container: ContainerStatus, phases: PhasesByPolicy]>([
    ["not started", starting, status(waiting), pending],
    ["started", started, status(waiting), pending],
    ["started, and the container runs", started, status(running), isRunning],
    ["restarting, not started again", starting, status(running), isRunning],
    ["waiting again, and the container runs", again(failed), status(running), isRunning],
    ["never started, and the container runs", status(waiting), status(running), pending],
    ["running, and the container has ended", started, status(succeeded), isRunning],
    [
      "failed when the container had ended",
      status(failed),
      status(succeeded),
      ["Running", "Succeeded", "Succeeded"],
    ],
    [
      "ended, and the container has failed",
      status(succeeded),
      status(failed),
      ["Running", "Failed", "Running"],
    ],
  ])("%s", (_what, sidecar, container, phases) =>
    expectPhases({ sidecar: [sidecar], containers: [container] }, phases),
  );
});
