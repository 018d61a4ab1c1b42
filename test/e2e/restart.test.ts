// What ends is started again as its policy and its back-off say, whatever happens to the agent meanwhile.

import { expect, test } from "bun:test";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { waitUntil } from "../wait-until.ts";
import { Machine, uuidOf } from "./machine.ts";

function pod(machine: Machine, script: string, more: { annotations?: string; spec?: string } = {}): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {${more.annotations ?? ""}}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 2
  ${more.spec ?? ""}
  containers:
    - {name: main, image: ${machine.image}, command: [/bin/sh, -c, ${JSON.stringify(script)}]}
`;
}

const restartsOf = ({ status }: Pod) => status?.containerStatuses?.[0]?.restartCount ?? 0;
const reasonOf = ({ status }: Pod) => status?.containerStatuses?.[0]?.state?.waiting?.reason;

test("a crash loop waits as its annotation says, longer each time, also for the next agent", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const annotations = "gantry.io/restart-backoff: 2s, gantry.io/restart-backoff-max: 60s";
  await machine.write("web.yaml", pod(machine, "exit 3", { annotations }));
  const waits = async () =>
    (await machine.pod("web"))?.status?.containerStatuses?.[0]?.state?.waiting?.message ?? "";
  await waitUntil("a first back-off", async () => (await waits()).includes("back-off 2s"));
  await machine.stopAgent("SIGKILL");
  await machine.startAgent();
  await waitUntil("a second, twice as long", async () => (await waits()).includes("back-off 4s"), 15_000);
});

test("what exits with 0 is started again without a back-off", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", pod(machine, "sleep 0.2"));
  let isBackOff = false;
  await machine.waitForPod("web", "restarted four times", (it) => {
    isBackOff ||= reasonOf(it) === "CrashLoopBackOff";
    return restartsOf(it) >= 4;
  });
  expect(isBackOff).toBe(false);
});

test("a pod whose deadline is over has failed, and is not run again by the next agent", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", pod(machine, "exec sleep 1000", { spec: "activeDeadlineSeconds: 2" }));
  const hasFailed = ({ status }: Pod) => status?.phase === "Failed" && status.reason === "DeadlineExceeded";
  const failed = await machine.waitForPod("web", "failed", hasFailed);
  await waitUntil("its end", async () => (await machine.runningUnits()).size === 0);
  await machine.stopAgent();
  await machine.startAgent();
  const still = await machine.waitForPod("web", "failed", hasFailed);
  expect(uuidOf(still)).toBe(uuidOf(failed) as string);
  expect(await machine.runningUnits()).toEqual(new Map());
});
