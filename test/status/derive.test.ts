// A Pod's status, whole for one that runs, and one change at a time.

import { describe, expect, test } from "bun:test";
import type { Pod as V1Pod } from "kubernetes-types/core/v1";
import type { Pulling } from "../../src/pod/image-activity.ts";
import type { ObservedApp } from "../../src/pod/observed-pod.ts";
import { containersStage } from "../../src/pod/stage.ts";
import type { Waiting } from "../../src/pod/waiting.ts";
import { derivePod } from "../../src/status/derive.ts";
import type { PodView } from "../../src/status/shown-pod.ts";
import { basePod, baseRevision, exited, exitedApp, nowMs, wallMs } from "../reconcile/base-world.ts";
import { baseView, mistyped } from "./view.ts";

const imageId = `sha512-${"0".repeat(64)}`;
const crashing: readonly Waiting[] = [
  { kind: "restart", stage: containersStage, backOffMs: 160_000, untilMs: nowMs + 150_500 },
];
const failure = { reason: "ErrImagePull", message: "no such image" } as const;

function derive(change: Partial<PodView> = {}, previous?: V1Pod) {
  const pod = derivePod(baseView(change), previous);
  return {
    pod,
    phase: pod.status?.phase,
    container: pod.status?.containerStatuses?.[0],
    condition: (type: string) => pod.status?.conditions?.find((condition) => condition.type === type),
  };
}

const dead = (exitCode: number | undefined, change: Parameters<typeof baseRevision>[0] = {}) =>
  baseRevision({ state: exited(), ...change, apps: appsIn(exitedApp(exitCode)) });
const appsIn = (state: ObservedApp["state"]) => baseRevision().apps.map((app) => ({ ...app, state }));

test("a pod that runs, whole", () => {
  const started = "2026-01-01T11:59:01Z";
  const created = "2026-01-01T11:59:00Z";
  expect(derive().pod).toEqual({
    kind: "Pod",
    apiVersion: "v1",
    metadata: { name: "web", namespace: "default", uid: "uid-web", labels: { app: "web" } },
    spec: {
      containers: [{ name: "main", image: "busybox", command: ["sleep", "1000"] }],
      restartPolicy: "Always",
    },
    status: {
      phase: "Running",
      conditions: [
        { type: "PodReadyToStartContainers", status: "True", lastTransitionTime: started },
        { type: "Initialized", status: "True", lastTransitionTime: created },
        { type: "Ready", status: "True", lastTransitionTime: started },
        { type: "ContainersReady", status: "True", lastTransitionTime: started },
        { type: "PodScheduled", status: "True", lastTransitionTime: created },
      ],
      hostIP: "192.0.2.1",
      hostIPs: [{ ip: "192.0.2.1" }],
      podIP: "192.0.2.1",
      podIPs: [{ ip: "192.0.2.1" }],
      startTime: created,
      containerStatuses: [
        {
          name: "main",
          image: "busybox",
          imageID: `rkt://${imageId}`,
          containerID: "rkt://00000000-0000-4000-8000-000000000001:main",
          state: { running: { startedAt: started } },
          lastState: {},
          ready: true,
          started: true,
          restartCount: 0,
        },
      ],
      qosClass: "BestEffort",
    },
  });
});

describe("a container's state", () => {
  test("with nothing there: it is being created", () => {
    const { container, phase } = derive({
      revisions: [],
      waiting: [{ kind: "starting", stage: containersStage, failure: undefined }],
    });
    expect(container?.state).toEqual({ waiting: { reason: "ContainerCreating" } });
    expect(container).not.toHaveProperty("containerID");
    expect(phase).toBe("Pending");
  });

  test("with an image error: what the plan tells of it, while it waits and while it tries again", () => {
    const waits: readonly Waiting[] = [
      { kind: "retry", stage: containersStage, failure, count: 2, untilMs: 0 },
      { kind: "starting", stage: containersStage, failure },
    ];
    for (const waiting of waits)
      expect(derive({ revisions: [], waiting: [waiting] })).toMatchObject({
        phase: "Pending",
        container: { state: { waiting: { reason: "ErrImagePull", message: "no such image" } } },
      });
  });

  const mebibyte = 1024 ** 2;
  const progress = (done: number, total: number) => ({
    doneBytes: done * mebibyte,
    totalBytes: total * mebibyte,
  });
  test.each<[what: string, change: Partial<Pulling>, message: string | undefined]>([
    ["begun", {}, 'Pulling image "busybox"'],
    ["queued", { isQueued: true }, 'Waiting for other pulls, then pulling image "busybox"'],
    ["under way", { progress: progress(12.34, 40) }, 'Pulling image "busybox": 12.3 MiB of 40 MiB'],
    ["of a size that is not told", { progress: progress(2048, 0) }, 'Pulling image "busybox": 2 GiB'],
    [
      "hardly begun",
      { progress: { doneBytes: 5, totalBytes: 1024 } },
      'Pulling image "busybox": 5 B of 1 KiB',
    ],
    ["another one's", { image: "other" }, undefined],
  ])("while its image is pulled: %s", (_what, change, message) => {
    const pulling = { image: "busybox", isQueued: false, progress: undefined, ...change };
    const images = { pulling, stale: [] };
    const { container } = derive({
      revisions: [],
      waiting: [{ kind: "starting", stage: containersStage, failure: undefined }],
      images,
    });
    expect(container?.state).toEqual({
      waiting: { reason: "ContainerCreating", ...(message !== undefined && { message }) },
    });
  });

  test("while its image is pulled again: how that failed before, until it gets somewhere", () => {
    const waiting: readonly Waiting[] = [{ kind: "starting", stage: containersStage, failure }];
    const begun = { image: "busybox", isQueued: false, progress: undefined };
    const reason = (pulling: Pulling) =>
      derive({ revisions: [], waiting, images: { pulling, stale: [] } }).container?.state?.waiting?.reason;
    expect(reason(begun)).toBe("ErrImagePull");
    expect(reason({ ...begun, progress: progress(1, 2) })).toBe("ContainerCreating");
  });

  test("in a crash loop: the kubelet's words, and how it ended last", () => {
    const revisions = [dead(3, { restartCount: 6 })];
    const { container, phase, condition } = derive({ revisions, waiting: crashing });
    expect(phase).toBe("Running");
    expect(container).toMatchObject({
      state: {
        waiting: {
          reason: "CrashLoopBackOff",
          message:
            "back-off 2m40s restarting failed container=main pod=web_default(uid-web), next try at 2026-01-01T12:02:30Z",
        },
      },
      lastState: { terminated: { exitCode: 3, reason: "Error", finishedAt: "2026-01-01T11:59:59Z" } },
      restartCount: 6,
      ready: false,
      started: false,
    });
    expect(condition("Ready")).toMatchObject({
      status: "False",
      reason: "ContainersNotReady",
      message: "containers with unready status: [main]",
    });
  });

  test("restarted: it runs, and how it ended last stays", () => {
    const revisions = [dead(3), baseRevision({ number: 2, restartCount: 1 })];
    expect(derive({ revisions }).container).toMatchObject({
      containerID: "rkt://00000000-0000-4000-8000-000000000002:main",
      state: { running: {} },
      lastState: {
        terminated: { containerID: "rkt://00000000-0000-4000-8000-000000000001:main", exitCode: 3 },
      },
      restartCount: 1,
    });
  });

  test.each([
    ["ended well", dead(0), { exitCode: 0, reason: "Completed" }],
    ["failed", dead(4), { exitCode: 4, reason: "Error" }],
    ["could not be executed", dead(203), { exitCode: 203, reason: "StartError" }],
    ["ended in an unknown way", dead(undefined), { exitCode: 137, reason: "ContainerStatusUnknown" }],
    [
      "could not be started",
      baseRevision({
        apps: [],
        startedAtMs: undefined,
        state: exited({ failure: { reason: "RunContainerError", message: "no network" } }),
      }),
      { exitCode: 128, reason: "StartError", message: "no network" },
    ],
  ])("that %s", (_name, revision, expected) => {
    const pod = basePod({ restartPolicy: "Never" });
    const { container, phase, condition } = derive({ pod, revisions: [revision] });
    expect(container?.state?.terminated).toMatchObject(expected);
    expect(phase).toBe(expected.exitCode === 0 ? "Succeeded" : "Failed");
    expect(condition("Ready")).toMatchObject({
      status: "False",
      reason: expected.exitCode === 0 ? "PodCompleted" : "PodFailed",
      lastTransitionTime: "2026-01-01T11:59:59Z",
    });
  });

  test("with a termination message", () => {
    const revisions = [
      baseRevision({ state: exited(), apps: appsIn({ ...exitedApp(3), message: "a\nb\n" }) }),
    ];
    const pod = basePod({ restartPolicy: "Never" });
    expect(derive({ pod, revisions }).container?.state?.terminated).toMatchObject({
      reason: "Error",
      message: "a\nb\n",
    });
  });

  test("not started yet in a pod that is", () => {
    const revisions = [baseRevision({ apps: appsIn({ kind: "created" }) })];
    expect(derive({ revisions })).toMatchObject({
      phase: "Pending",
      container: { state: { waiting: { reason: "ContainerCreating" } }, ready: false },
    });
  });
});

test("a pod with a network of its own shows its address", () => {
  const pod = { ...basePod(), spec: { ...basePod().spec, hostNetwork: false } };
  const { status } = derive({ pod, revisions: [baseRevision({ podIP: "172.16.28.2" })] }).pod;
  expect(status).toMatchObject({
    hostIP: "192.0.2.1",
    podIP: "172.16.28.2",
    podIPs: [{ ip: "172.16.28.2" }],
  });
});

describe("a pod that was edited", () => {
  const old = baseRevision({ hash: "bbbb" });

  test("shows the old revision while the new one is prepared", () => {
    const { container, condition } = derive({
      revisions: [old],
      waiting: [{ kind: "starting", stage: containersStage, failure: undefined }],
    });
    expect(container?.state).toHaveProperty("running");
    expect(condition("UpToDate")).toBeUndefined();
  });

  test("and cannot be prepared keeps running, and says why it is not as written", () => {
    const { phase, condition } = derive({
      revisions: [old],
      waiting: [{ kind: "retry", stage: containersStage, failure, count: 3, untilMs: 0 }],
    });
    expect(phase).toBe("Running");
    expect(condition("Ready")?.status).toBe("True");
    expect(condition("UpToDate")).toMatchObject({ status: "False", ...failure });
  });

  test("in nothing but a ConfigMap that cannot be written says so too", () => {
    const { container, condition } = derive({
      waiting: [{ kind: "refresh", failure }],
    });
    expect(container).toMatchObject({ ready: true, state: { running: {} } });
    expect(condition("UpToDate")).toMatchObject({ status: "False", ...failure });
  });

  test("after it had completed is pending, not completed", () => {
    const pod = basePod({ restartPolicy: "Never" });
    const revisions = [dead(0, { hash: "bbbb" })];
    expect(
      derive({ pod, revisions, waiting: [{ kind: "starting", stage: containersStage, failure }] }).phase,
    ).toBe("Pending");
  });
});

test("a pod that was stopped on request and is wanted again is pending, not completed", () => {
  const pod = basePod({ restartPolicy: "OnFailure" });
  const revisions = [dead(0, { state: exited({ isStopped: true }) })];
  expect(
    derive({ pod, revisions, waiting: [{ kind: "starting", stage: containersStage, failure: undefined }] })
      .phase,
  ).toBe("Pending");
});

describe("a manifest that is refused now", () => {
  test("is a condition with its place", () => {
    const { condition, phase } = derive({ manifest: { state: "rejected", problems: [mistyped, mistyped] } });
    expect(phase).toBe("Running");
    expect(condition("ManifestAccepted")).toEqual({
      type: "ManifestAccepted",
      status: "False",
      reason: "UnknownField",
      message:
        '/manifests/web.yaml:7:5: spec.containers[0].comand: Unknown field (did you mean "command"?) (and 1 more)',
      lastTransitionTime: "2026-01-01T12:00:00Z",
    });
  });

  test("is not known while the directory cannot be read", () => {
    expect(
      derive({ manifest: { state: "unreadable", error: "EIO" } }).condition("ManifestAccepted"),
    ).toMatchObject({ status: "Unknown", reason: "Unreadable", message: "EIO" });
  });
});

describe("times", () => {
  const later = wallMs + 60_000;

  test("a condition's time stays until its status changes", () => {
    const first = derive().pod;
    const same = derive({ wallMs: later }, first);
    expect(same.pod).toEqual(first);
    const crashed = derive({ wallMs: later, revisions: [dead(1)], waiting: crashing }, first);
    expect(crashed.condition("Ready")?.lastTransitionTime).toBe("2026-01-01T11:59:59Z");
    expect(crashed.condition("PodReadyToStartContainers")?.lastTransitionTime).toBe("2026-01-01T12:01:00Z");
    expect(crashed.condition("PodScheduled")?.lastTransitionTime).toBe("2026-01-01T11:59:00Z");
  });

  test("the start time is that when the pod was first seen, and stays", () => {
    const pending = derive({
      revisions: [],
      waiting: [{ kind: "starting", stage: containersStage, failure: undefined }],
    }).pod;
    expect(pending.status?.startTime).toBe("2026-01-01T12:00:00Z");
    const running = derive({ revisions: [baseRevision({ createdAtMs: later })] }, pending).pod;
    expect(running.status?.startTime).toBe("2026-01-01T12:00:00Z");
  });

  test("the next agent tells the same of what runs and of what has ended", () => {
    const base = basePod();
    const metadata = { annotations: { "kubernetes.io/config.seen": "2026-01-01T11:58:30.5Z" } };
    const pod = { ...base, wire: { ...base.wire, metadata } };
    const waiting: readonly Waiting[] = [{ kind: "starting", stage: containersStage, failure: undefined }];
    const pending = derive({ pod, revisions: [], waiting, wallMs: wallMs - 61_000 }).pod;
    const running = derive({ pod }, pending).pod;
    expect(running.status?.startTime).toBe("2026-01-01T11:58:30Z");
    expect(derive({ pod, wallMs: later }).pod).toEqual(running);
    const revisions = [dead(1)];
    const { conditions } = derive({ pod, revisions, waiting: crashing }, running).pod.status ?? {};
    const next = derive({ pod, revisions, waiting: crashing, wallMs: later }).pod.status?.conditions;
    // Since when it has no network is known to nobody else.
    const lasting = (all: typeof next) => all?.filter(({ type }) => type !== "PodReadyToStartContainers");
    expect(lasting(next)).toEqual(lasting(conditions));
  });

  test("a deleted pod has the time of its deletion", () => {
    const deleted = derive({ isDeleted: true }).pod;
    expect(deleted.metadata?.deletionTimestamp).toBe("2026-01-01T12:00:00Z");
    const again = derive({ isDeleted: true, wallMs: later }, deleted).pod;
    expect(again.metadata?.deletionTimestamp).toBe("2026-01-01T12:00:00Z");
    expect(derive({}, again).pod.metadata).not.toHaveProperty("deletionTimestamp");
  });
});

test("an image that could not be pulled anew is told while its pod runs", () => {
  const images = { pulling: undefined, stale: [{ image: "busybox", why: "connection refused" }] };
  const { phase, condition } = derive({ images });
  expect(phase).toBe("Running");
  expect(condition("ImagesUpToDate")).toMatchObject({
    status: "False",
    reason: "ErrImagePull",
    message: 'image "busybox" is used as it was pulled before: connection refused',
  });
  expect(derive().condition("ImagesUpToDate")).toBeUndefined();
});

test("a pod that shares the machine's process ids says why, unless it asked to", () => {
  const sharedPids = "systemd 252 has none";
  expect(derive({ sharedPids }).condition("Isolated")).toMatchObject({
    status: "False",
    reason: "SharedProcessIds",
    message: sharedPids,
  });
  const asked = { ...basePod(), wire: { ...basePod().wire, spec: { hostPID: true } } };
  expect(derive({ sharedPids, pod: asked }).condition("Isolated")).toBeUndefined();
  expect(derive().condition("Isolated")).toBeUndefined();
});
