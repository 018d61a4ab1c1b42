import { expect, test } from "bun:test";
import type { ContainerStatus, Pod } from "kubernetes-types/core/v1";
import { type PodSummary, summarizePod } from "../../src/pod/pod-summary.ts";

const running: ContainerStatus = {
  name: "main",
  image: "i",
  imageID: "",
  ready: true,
  started: true,
  restartCount: 0,
  state: { running: { startedAt: "2026-01-01T00:00:00Z" } },
  lastState: {},
};
const ended = (exitCode: number, reason?: string): ContainerStatus => ({
  ...running,
  ready: false,
  started: false,
  state: { terminated: { exitCode, ...(reason !== undefined && { reason }) } },
});
const waiting = (reason: string): ContainerStatus => ({
  ...running,
  ready: false,
  started: false,
  state: { waiting: { reason } },
});

interface Change {
  readonly phase?: string;
  readonly reason?: string;
  readonly containers?: readonly ContainerStatus[];
  readonly inits?: readonly ContainerStatus[];
  /** Names of those inits that are sidecars. */
  readonly sidecars?: readonly string[];
  readonly conditions?: Readonly<Record<string, "True" | "False">>;
  readonly isDeleted?: boolean;
}

function pod({ phase = "Running", reason, containers = [running], ...rest }: Change): Pod {
  const { inits = [], sidecars = [], conditions = {}, isDeleted } = rest;
  return {
    metadata: { name: "web", ...(isDeleted && { deletionTimestamp: "2026-01-01T00:00:00Z" }) },
    spec: {
      containers: containers.map(({ name }) => ({ name })),
      initContainers: inits.map(({ name }) => ({
        name,
        ...(sidecars.includes(name) && { restartPolicy: "Always" }),
      })),
    },
    status: {
      phase,
      ...(reason !== undefined && { reason }),
      conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })),
      initContainerStatuses: [...inits],
      containerStatuses: [...containers],
    },
  };
}

const summary: PodSummary = {
  readyCount: 1,
  containerCount: 1,
  status: "Running",
  restartCount: 0,
  restartedAt: undefined,
};

test.each<[what: string, change: Change, expected: Partial<PodSummary>]>([
  ["all is good", {}, {}],
  ["no status yet", { phase: "", containers: [] }, { status: "Unknown", readyCount: 0, containerCount: 0 }],
  ["one of two is ready", { containers: [running, { ...running, ready: false }] }, { containerCount: 2 }],
  ["a reason to wait", { containers: [waiting("ErrImagePull")] }, { status: "ErrImagePull", readyCount: 0 }],
  ["it ended", { containers: [ended(3, "Error")] }, { status: "Error", readyCount: 0 }],
  ["it ended without a reason", { containers: [ended(3)] }, { status: "ExitCode:3", readyCount: 0 }],
  [
    "one has completed, the other runs",
    { containers: [ended(0, "Completed"), running], conditions: { Ready: "True" } },
    { containerCount: 2 },
  ],
  [
    "one has completed, and what runs is not enough to be ready",
    { containers: [ended(0, "Completed"), running] },
    { status: "NotReady", containerCount: 2 },
  ],
  ["the pod's own reason", { phase: "Failed", reason: "Evicted" }, { status: "Evicted" }],
  ["it is being deleted", { isDeleted: true }, { status: "Terminating" }],
  ["deleted when it was over", { isDeleted: true, phase: "Succeeded" }, { status: "Succeeded" }],
  [
    "containers that are restarted together are not counted twice",
    {
      containers: [
        {
          ...running,
          restartCount: 4,
          lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-02T00:00:00Z" } },
        },
        {
          ...running,
          restartCount: 4,
          lastState: { terminated: { exitCode: 0, finishedAt: "2026-01-01T00:00:00Z" } },
        },
      ],
    },
    { readyCount: 2, containerCount: 2, restartCount: 4, restartedAt: "2026-01-02T00:00:00Z" },
  ],
  [
    "the second init container runs",
    {
      phase: "Pending",
      containers: [waiting("PodInitializing")],
      inits: [
        { ...ended(0, "Completed"), name: "a" },
        { ...running, name: "b" },
      ],
    },
    { status: "Init:1/2", readyCount: 0 },
  ],
  [
    "an init container fails",
    {
      phase: "Pending",
      containers: [waiting("PodInitializing")],
      inits: [{ ...ended(1, "Error"), restartCount: 2 }],
    },
    { status: "Init:Error", readyCount: 0, restartCount: 2 },
  ],
  [
    "an init container waits for its image",
    { phase: "Pending", containers: [waiting("PodInitializing")], inits: [waiting("ImagePullBackOff")] },
    { status: "Init:ImagePullBackOff", readyCount: 0 },
  ],
  [
    "a sidecar counts as a container",
    { inits: [{ ...running, name: "mesh", restartCount: 1 }], sidecars: ["mesh"] },
    { readyCount: 2, containerCount: 2, restartCount: 1 },
  ],
  [
    "inits of long ago are not looked at",
    { inits: [{ ...ended(1, "Error"), restartCount: 7 }], conditions: { Initialized: "True" } },
    {},
  ],
])("%s", (_what, change, expected) => {
  expect(summarizePod(pod(change))).toEqual({ ...summary, ...expected });
});
