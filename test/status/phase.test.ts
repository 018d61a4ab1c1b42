// The kubelet's phase table: two containers, three policies.

import { expect, test } from "bun:test";
import type { ContainerState, ContainerStatus } from "kubernetes-types/core/v1";
import { podPhase } from "../../src/status/phase.ts";

const running: ContainerState = { running: {} };
const waiting: ContainerState = { waiting: {} };
const succeeded: ContainerState = { terminated: { exitCode: 0 } };
const failed: ContainerState = { terminated: { exitCode: 1 } };

function status(state: ContainerState, lastState: ContainerState = {}): ContainerStatus {
  return { name: "main", image: "", imageID: "", ready: false, restartCount: 0, state, lastState };
}

test.each([
  ["no statuses", [], ["Pending", "Pending", "Pending"]],
  ["running, running", [status(running), status(running)], ["Running", "Running", "Running"]],
  ["both exit 0", [status(succeeded), status(succeeded)], ["Running", "Succeeded", "Succeeded"]],
  ["both failed", [status(failed), status(failed)], ["Running", "Failed", "Running"]],
  ["one failed, one ended well", [status(failed), status(succeeded)], ["Running", "Failed", "Running"]],
  ["running, ended well", [status(running), status(succeeded)], ["Running", "Running", "Running"]],
  ["running, waiting", [status(running), status(waiting)], ["Pending", "Pending", "Pending"]],
  ["running, waiting again", [status(running), status(waiting, failed)], ["Running", "Running", "Running"]],
  [
    "both waiting again",
    [status(waiting, failed), status(waiting, failed)],
    ["Running", "Failed", "Running"],
  ],
] as const)("%s", (_name, containers, [always, never, onFailure]) => {
  expect(podPhase("Always", containers)).toBe(always);
  expect(podPhase("Never", containers)).toBe(never);
  expect(podPhase("OnFailure", containers)).toBe(onFailure);
});
