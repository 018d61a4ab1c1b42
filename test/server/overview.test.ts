// The first look: a table, what needs mending, and what went wrong lately.

import { expect, test } from "bun:test";
import type { ContainerStatus, Event as V1Event } from "kubernetes-types/core/v1";
import { nowMs, pod, testApp, unixConnection } from "./test-app.ts";

async function overview(world: Parameters<typeof testApp>[0]): Promise<string> {
  const response = await testApp(world).app.request("/", {}, unixConnection);
  expect(response.headers.get("content-type")).toStartWith("text/plain");
  return response.text();
}

function container(change: Partial<ContainerStatus>): ContainerStatus {
  return { name: "app", ready: false, restartCount: 0, image: "", imageID: "", ...change };
}

const ago = (ms: number) => new Date(nowMs - ms).toISOString();

test("is a table with the problems under it", async () => {
  const running = { ready: true, restartCount: 3, state: { running: {} } };
  const finishedAt = ago(30_000);
  const text = await overview({
    pods: [
      pod(
        "web-edge",
        {
          phase: "Running",
          containerStatuses: [
            container({ ...running, lastState: { terminated: { exitCode: 1, finishedAt } } }),
            container({ ...running, name: "log" }),
          ],
        },
        ["app", "log"],
      ),
      pod("db-edge", {
        phase: "Pending",
        containerStatuses: [
          container({ state: { waiting: { reason: "ErrImagePull", message: "no such file" } } }),
        ],
      }),
      pod("job-edge", {
        phase: "Running",
        containerStatuses: [
          container({
            restartCount: 1,
            state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } },
            lastState: { terminated: { exitCode: 3, reason: "Error", message: "disk on fire\nmore\n" } },
          }),
        ],
      }),
    ],
    unreadable: "Cannot read /etc/gantry/manifests: EIO",
  });
  expect(text).toBe(
    `NAMESPACE   NAME       READY   STATUS             RESTARTS      AGE
default     web-edge   2/2     Running            3 (30s ago)   60m
default     db-edge    0/1     ErrImagePull       0             60m
default     job-edge   0/1     CrashLoopBackOff   1             60m

Problems:
  Cannot read /etc/gantry/manifests: EIO
  default/db-edge: app: ErrImagePull: no such file
  default/job-edge: app: CrashLoopBackOff: back-off 10s; it ended with exit code 3 (Error): disk on fire
`,
  );
});

test("names what the machine is short of, who was ended for it, and what keeps a pod from being as written", async () => {
  const text = await overview({
    nodeConditions: [
      { type: "MemoryPressure", status: "True", message: "the machine has insufficient memory available" },
      { type: "DiskPressure", status: "False", message: "the machine has no disk pressure" },
      { type: "Ready", status: "True" },
    ],
    stuck: [
      { what: "directory of pod uid-1", why: "/x is still mounted", sinceMs: nowMs - 61_000 },
      { what: "leftovers: /y is busy", why: "/y is busy", sinceMs: nowMs - 1000 },
    ],
    pods: [
      pod("web-edge", {
        phase: "Failed",
        reason: "Evicted",
        message: "The node was low on resource: memory.",
        initContainerStatuses: [
          container({ name: "setup", state: { waiting: { reason: "Init", message: "slow" } } }),
        ],
        conditions: [
          { type: "CleanedUp", status: "False", reason: "FailedKillPod", message: "device or resource busy" },
          { type: "Isolated", status: "False", reason: "SharedProcessIds", message: "systemd 252" },
        ],
      }),
    ],
  });
  expect(text.slice(text.indexOf("Problems"))).toBe(`Problems:
  MemoryPressure: the machine has insufficient memory available
  default/web-edge: Evicted: The node was low on resource: memory.
  default/web-edge: setup: Init: slow
  default/web-edge: FailedKillPod: device or resource busy
  cannot be removed for 61s: directory of pod uid-1: /x is still mounted
  cannot be removed for 1s: leftovers: /y is busy
`);
});

test("tells of a pod that has failed for good how its containers ended, which does not move a person's terminal", async () => {
  const terminated = { exitCode: 3, reason: "Error", message: "\u001b[31mdisk\u0007 on fire\nmore" };
  const text = await overview({
    pods: [
      pod("job-edge", {
        phase: "Failed",
        containerStatuses: [
          container({ state: { terminated } }),
          container({ name: "log", state: { terminated: { exitCode: 0 } } }),
        ],
      }),
    ],
  });
  expect(text.slice(text.indexOf("Problems"))).toBe(`Problems:
  default/job-edge: app: ended with exit code 3 (Error): \ufffd[31mdisk\ufffd on fire
`);
});

test("ends with the last warnings", async () => {
  const event = (change: Partial<V1Event>): V1Event => ({
    metadata: {},
    type: "Warning",
    reason: "BackOff",
    message: "restarting",
    involvedObject: {
      kind: "Pod",
      namespace: "default",
      name: "web-edge",
      fieldPath: "spec.containers{app}",
    },
    lastTimestamp: ago(12_000),
    ...change,
  });
  const text = await overview({
    pods: [],
    events: [
      event({ message: "too long ago to be among the last five" }),
      event({ count: 4, lastTimestamp: ago(192_000) }),
      event({ type: "Normal" }),
      event({ reason: "ManifestRejected", involvedObject: { kind: "Node", name: "edge" } }),
      event({ involvedObject: { kind: "Pod", namespace: "default", name: "web-edge" } }),
      event({ reason: "Unhealthy" }),
      event({ reason: "Failed" }),
    ],
  });
  expect(text).toBe(`No pods.

Warnings:
  3m12s ago (4 times): default/web-edge: app: BackOff: restarting
  12s ago: node edge: ManifestRejected: restarting
  12s ago: default/web-edge: BackOff: restarting
  12s ago: default/web-edge: app: Unhealthy: restarting
  12s ago: default/web-edge: app: Failed: restarting
`);
});

test("says so when there is nothing", async () => {
  expect(await overview({ pods: [] })).toBe("No pods.\n");
});
