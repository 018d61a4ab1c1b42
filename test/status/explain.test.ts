// The chain of causes, from the root to the symptom, for each thing that can keep a Pod from being Ready.

import { describe, expect, test } from "bun:test";
import type { Event as V1Event } from "kubernetes-types/core/v1";
import type { Probe } from "../../src/pod/handler.ts";
import { type PodKey, podKey } from "../../src/pod/names.ts";
import type { Failure } from "../../src/pod/observed-pod.ts";
import type { Waiting } from "../../src/pod/waiting.ts";
import { derivePod } from "../../src/status/derive.ts";
import { explainPod } from "../../src/status/explain.ts";
import type { PodView } from "../../src/status/shown-pod.ts";
import { basePod, baseRevision, exited, nowMs, wallMs } from "../reconcile/base-world.ts";
import {
  baseView,
  containersStage,
  endedWith,
  initStage,
  mistyped,
  sidecarStage,
  stagedPod,
  stageRevision,
} from "./view.ts";

const web = podKey("default", "web");
const untilMs = nowMs + 30_000;

function explain(
  change: Partial<PodView>,
  others: Readonly<Record<string, Partial<PodView>>> = {},
  events: V1Event[] = [],
) {
  const views = new Map<PodKey, PodView>([[web, baseView(change)]]);
  for (const [name, other] of Object.entries(others))
    views.set(podKey("default", name), baseView({ pod: basePod({ name }), ...other }));
  const explanation = explainPod(web, {
    viewOf: (key) => views.get(key),
    podOf: (key) => {
      const view = views.get(key);
      return view && derivePod(view, undefined);
    },
    events,
  });
  if (explanation === undefined) throw new Error("no such Pod");
  return {
    ...explanation,
    brief: explanation.steps.map(
      ({ pod, reason, message }) => `${pod === web ? "" : `${pod} `}${reason}: ${message}`,
    ),
  };
}

const retry = (failure: Failure, stage = containersStage): Waiting => ({
  kind: "retry",
  stage,
  failure,
  count: 2,
  untilMs,
});
const restart = (stage = containersStage): Waiting => ({
  kind: "restart",
  stage,
  backOffMs: 40_000,
  untilMs,
});
const starting = (failure?: Failure): Waiting => ({ kind: "starting", stage: containersStage, failure });
const notReady = "ContainersNotReady: containers with unready status: [main]";
const crashed = endedWith(baseRevision({ state: exited() }), 3, "no database\nmore");

test("a Pod that is Ready says so", () => {
  expect(explain({})).toMatchObject({
    isReady: true,
    summary: "default/web is Ready, and nothing is wrong with it.",
    steps: [],
  });
});

test("a Pod that has done its work says so", () => {
  const done = endedWith(baseRevision({ state: exited() }), 0);
  const { summary, steps } = explain({ pod: basePod({ restartPolicy: "Never" }), revisions: [done] });
  expect([summary, steps]).toEqual(["default/web has done its work and ended.", []]);
});

test("a Pod that is not there is none", () => {
  const nothing = { viewOf: () => undefined, podOf: () => undefined, events: [] };
  expect(explainPod(web, nothing)).toBeUndefined();
});

describe("the causes of", () => {
  const probe = { handler: { kind: "exec", command: ["true"] } } as unknown as Probe;
  const withProbe = (kind: "readinessProbe" | "startupProbe") => {
    const pod = basePod();
    const containers = pod.spec.containers.map((container) => ({ ...container, [kind]: probe }));
    return { ...pod, spec: { ...pod.spec, containers } };
  };
  const pulling = { image: "busybox", isQueued: false, progress: { doneBytes: 1024, totalBytes: 4096 } };
  const denied: Failure = { reason: "ErrImagePull", message: 'Failed to pull image "busybox": 403 denied' };
  const missing: Failure = { reason: "CreateContainerConfigError", message: 'configmap "app" not found' };
  const overdue: Failure = { reason: "DeadlineExceeded", message: "its time is over" };
  const evicted: Failure = { reason: "Evicted", message: "The node was low on resource: memory." };
  const unhealthy: Failure = { reason: "Unhealthy", message: "Liveness probe failed: connection refused" };

  test.each<[what: string, change: Partial<PodView>, steps: string[]]>([
    [
      "nothing but the beginning",
      { revisions: [], waiting: [starting()] },
      ["Starting: it is being started", notReady],
    ],
    [
      "a pull that is under way",
      { revisions: [], waiting: [starting()], images: { pulling, stale: [] } },
      ['Pulling: Pulling image "busybox": 1 KiB of 4 KiB', notReady],
    ],
    [
      "an image that cannot be pulled",
      { revisions: [], waiting: [retry(denied)] },
      [`ErrImagePull: ${denied.message}`, notReady],
    ],
    [
      "an image that cannot be pulled, tried again just now",
      { revisions: [], waiting: [starting(denied)] },
      [`ErrImagePull: ${denied.message}`, notReady],
    ],
    [
      "a ConfigMap that is missing, after an edit of what had crashed",
      {
        revisions: [endedWith(baseRevision({ hash: "bbbb", state: exited() }), 1)],
        waiting: [retry(missing)],
      },
      [`CreateContainerConfigError: ${missing.message}`, notReady],
    ],
    [
      "a crash loop",
      { revisions: [crashed], waiting: [restart()] },
      [
        'ContainerFailed: container "main" ended with exit code 3 after 58 s: no database',
        "CrashLoopBackOff: it is started again 40s after its end, twice as long each time",
        notReady,
      ],
    ],
    [
      "a crash loop by a liveness probe",
      {
        revisions: [endedWith(baseRevision({ state: exited({ killed: unhealthy }) }), 137)],
        waiting: [restart()],
      },
      [
        "Unhealthy: Liveness probe failed: connection refused",
        'ContainerFailed: container "main" ended with exit code 137 (SIGKILL) after 58 s',
        "CrashLoopBackOff: it is started again 40s after its end, twice as long each time",
        notReady,
      ],
    ],
    [
      "what could not even be started",
      {
        revisions: [
          baseRevision({
            state: exited({ failure: { reason: "RunContainerError", message: "no network" } }),
            apps: [],
          }),
        ],
        waiting: [restart()],
      },
      [
        "RunContainerError: no network",
        "CrashLoopBackOff: it is started again 40s after its end, twice as long each time",
        notReady,
      ],
    ],
    [
      "a shutdown",
      {
        revisions: [endedWith(baseRevision({ state: exited({ isInterrupted: true }) }), undefined)],
        waiting: [starting()],
      },
      ["Interrupted: it was ended by a shutdown, or by hand", "Starting: it is being started", notReady],
    ],
    [
      "a stop that was wished for, and is not any more",
      {
        revisions: [endedWith(baseRevision({ state: exited({ isStopped: true }) }), 0)],
        waiting: [starting()],
      },
      ["Starting: it is being started", notReady],
    ],
    [
      "an end of which no code is known",
      { revisions: [endedWith(baseRevision({ state: exited() }), undefined)], waiting: [restart()] },
      [
        'ContainerFailed: container "main" ended after 58 s',
        "CrashLoopBackOff: it is started again 40s after its end, twice as long each time",
        notReady,
      ],
    ],
    [
      "a failure that is final",
      { pod: basePod({ restartPolicy: "Never" }), revisions: [crashed] },
      [
        'ContainerFailed: container "main" ended with exit code 3 after 58 s: no database',
        "NotRestarted: it is not started again (restartPolicy Never)",
        "PodFailed: the pod has failed",
      ],
    ],
    [
      "an init container that fails",
      {
        pod: stagedPod(),
        revisions: [endedWith(stageRevision(initStage, { state: exited() }), 7)],
        waiting: [restart(initStage)],
      },
      [
        'ContainerFailed: container "setup" ended with exit code 7 after 58 s',
        "CrashLoopBackOff: it is started again 40s after its end, twice as long each time",
        "ContainersNotReady: containers with unready status: [proxy main]",
      ],
    ],
    [
      "an init container that runs",
      {
        pod: stagedPod(),
        revisions: [stageRevision(initStage)],
        waiting: [{ kind: "initializing", stage: initStage }],
      },
      [
        'Initializing: init container "setup" runs, and what comes after it waits for its end',
        "ContainersNotReady: containers with unready status: [proxy main]",
      ],
    ],
    [
      "a sidecar whose hook runs",
      {
        pod: stagedPod(),
        revisions: [
          endedWith(stageRevision(initStage, { state: exited() }), 0),
          stageRevision(sidecarStage, { isPostStarted: false }),
        ],
        waiting: [{ kind: "initializing", stage: sidecarStage }],
      },
      [
        'PostStartHook: the postStart hook of "proxy" has not ended, and it counts as started only then',
        "ContainersNotReady: containers with unready status: [proxy main]",
      ],
    ],
    [
      "a readiness probe that was not asked yet",
      { pod: withProbe("readinessProbe") },
      ['ProbePending: the readiness probe of "main" has not succeeded yet', notReady],
    ],
    [
      "a startup probe that was not asked yet",
      { pod: withProbe("startupProbe") },
      ['ProbePending: the startup probe of "main" has not succeeded yet', notReady],
    ],
    [
      "a container that has ended while others run",
      { revisions: [{ ...baseRevision(), apps: endedWith(baseRevision(), 0).apps }] },
      ['Completed: container "main" ended with exit code 0, and the others run on', notReady],
    ],
    [
      "regression: a container that has just failed, and so will end the others, was told to have completed",
      { revisions: [{ ...baseRevision(), apps: endedWith(baseRevision(), 3).apps }] },
      ['ContainerFailed: container "main" ended with exit code 3, and the others run on', notReady],
    ],
    [
      "an eviction",
      { revisions: [], waiting: [{ kind: "evicted", failure: evicted }] },
      [`Evicted: ${evicted.message}`, "PodFailed: the pod has failed"],
    ],
    [
      "regression: an evicted pod was said not to be started again",
      {
        revisions: [endedWith(baseRevision({ state: exited({ killed: evicted }) }), 0)],
        waiting: [{ kind: "evicted", failure: evicted }],
      },
      [
        `Evicted: ${evicted.message}`,
        'Completed: container "main" ended with exit code 0 after 58 s',
        "PodFailed: the pod has failed",
      ],
    ],
    [
      "regression: a deadline that is over was told twice",
      {
        revisions: [endedWith(baseRevision({ state: exited({ killed: overdue }) }), 0)],
        waiting: [{ kind: "failed", failure: overdue }],
      },
      [
        "DeadlineExceeded: its time is over",
        'Completed: container "main" ended with exit code 0 after 58 s',
        "NotRestarted: it is not started again (restartPolicy Always)",
        "PodFailed: the pod has failed",
      ],
    ],
    [
      "its end",
      { isDeleted: true, revisions: [baseRevision({ state: { kind: "stopping" } })] },
      [
        "Deleted: its manifest is gone, so it is stopped and removed",
        "Stopping: it has been told to end, and has its grace period for that",
        notReady,
      ],
    ],
  ])("%s", (_what, change, steps) => {
    expect(explain(change).brief).toEqual(steps);
  });

  test("a probe that fails: what it said last", () => {
    const event = (message: string, agoMs: number, container = "main"): V1Event => ({
      metadata: {},
      reason: "Unhealthy",
      message,
      involvedObject: {
        kind: "Pod",
        namespace: "default",
        name: "web",
        fieldPath: `spec.containers{${container}}`,
      },
      lastTimestamp: new Date(wallMs - agoMs).toISOString(),
    });
    const events = [
      event("Readiness probe failed: of the run before", 120_000),
      event("Readiness probe failed: timeout", 2000),
      event("Readiness probe failed: another container's", 1000, "other"),
    ];
    const { steps, brief } = explain({ pod: withProbe("readinessProbe") }, {}, events);
    expect(brief).toEqual(['Unhealthy: container "main": Readiness probe failed: timeout', notReady]);
    expect(steps[0]).toMatchObject({ sinceMs: wallMs - 2000, log: { container: "main", previous: false } });
    expect(explain({ pod: withProbe("readinessProbe") }, {}, events.slice(0, 1)).steps[0]?.reason).toBe(
      "ProbePending",
    );
  });
});

test("a step says since when, what to do, when it is tried again, and whose log tells more", () => {
  const { steps, summary } = explain({ revisions: [crashed], waiting: [restart()] });
  expect(summary).toBe("default/web is not Ready: ContainerFailed");
  expect(steps[0]).toMatchObject({ sinceMs: wallMs - 1000, log: { container: "main", previous: true } });
  expect(steps[1]?.nextTryMs).toBe(wallMs + 30_000);
  expect(steps[2]).toMatchObject({ sinceMs: wallMs - 1000 });
});

test("the log of what is not started again is that of the last run", () => {
  const { steps } = explain({ pod: basePod({ restartPolicy: "Never" }), revisions: [crashed] });
  expect(steps[0]?.log).toEqual({ container: "main", previous: false });
});

describe("other Pods", () => {
  const after = (...pods: string[]): Waiting => ({
    kind: "after",
    pods: pods.map((name) => podKey("default", name)),
    unknown: [],
  });
  const waits = (...pods: string[]): Partial<PodView> => ({ revisions: [], waiting: [after(...pods)] });

  test("come first, with why they are not Ready, and what they wait for before them", () => {
    const { brief } = explain(waits("api"), {
      api: waits("db"),
      db: { revisions: [endedWith(baseRevision({ name: "db", state: exited() }), 1)], waiting: [restart()] },
    });
    expect(brief).toEqual([
      'default/db ContainerFailed: container "main" ended with exit code 1 after 58 s',
      "default/db CrashLoopBackOff: it is started again 40s after its end, twice as long each time",
      `default/db ${notReady}`,
      "default/api WaitingForPods: waits for default/db to be Ready",
      `default/api ${notReady}`,
      "WaitingForPods: waits for default/api to be Ready",
      notReady,
    ]);
  });

  test("are told of once, however many wait for them", () => {
    const { brief } = explain(waits("a", "b"), {
      a: waits("db"),
      b: waits("db"),
      db: { revisions: [], waiting: [starting()] },
    });
    expect(brief.filter((line) => line.startsWith("default/db Starting"))).toHaveLength(1);
  });

  test("that wait for this one are a circle", () => {
    const { brief } = explain(waits("api"), { api: waits("web") });
    expect(brief).toContain(
      "default/api WaitingForPods: each waits for the next: default/web → default/api → default/web",
    );
  });

  test("of which there is no manifest", () => {
    const unknown: Waiting = { kind: "after", pods: [], unknown: [podKey("default", "nope")] };
    expect(explain({ revisions: [], waiting: [unknown] }).steps[0]).toMatchObject({
      reason: "WaitingForPods",
      message: "waits for default/nope, of which there is no manifest",
      hint: "Look at the name in gantry.io/after.",
    });
  });
});

describe("a Pod that is Ready says what is wrong all the same:", () => {
  const busy: Failure = { reason: "FailedKillPod", message: "device or resource busy" };
  test.each<[what: string, change: Partial<PodView>, step: string]>([
    [
      "a manifest that is refused, with its place",
      { manifest: { state: "rejected", problems: [mistyped] } },
      "ManifestRejected: /manifests/web.yaml:7:5: spec.containers[0].comand: Unknown field",
    ],
    [
      "a directory that is not ready",
      { manifest: { state: "unreadable", error: "EIO" } },
      "ManifestsNotReady: EIO",
    ],
    [
      "what cannot be removed",
      { waiting: [{ kind: "ending", failure: busy, count: 3, untilMs }] },
      "FailedKillPod: device or resource busy",
    ],
    [
      "a change in place that cannot be made",
      { waiting: [{ kind: "refresh", failure: { reason: "FailedMount", message: "no" } }] },
      "FailedMount: no",
    ],
    [
      "a version that was rolled back",
      {
        revisions: [baseRevision({ hash: "bbbb" })],
        waiting: [{ kind: "rolledBack", failure: { reason: "RolledBack", message: "not Ready within 1m" } }],
      },
      "RolledBack: not Ready within 1m",
    ],
    [
      "a new version that cannot be prepared",
      {
        revisions: [baseRevision({ hash: "bbbb" })],
        waiting: [retry({ reason: "ErrImagePull", message: "no" })],
      },
      "ErrImagePull: what is written now cannot be started: no",
    ],
  ])("%s", (_what, change, step) => {
    const { summary, brief } = explain(change);
    expect([summary, ...brief]).toEqual(["default/web is Ready, but:", step]);
  });
});

test.each([
  ['Failed to pull image "x": 401 Unauthorized', "imagePullSecrets"],
  ['Failed to pull image "x": manifest unknown', "name and tag"],
  ['Failed to pull image "x": dial tcp: connection refused', "network and DNS"],
  ['Failed to pull image "x": x509: unknown authority', "not trusted"],
  ['Failed to pull image "x": something else', ""],
])("what to do about: %s", (message, hint) => {
  const { steps } = explain({ revisions: [], waiting: [retry({ reason: "ErrImagePull", message })] });
  if (hint === "") expect(steps[0]?.hint).toBe("");
  else expect(steps[0]?.hint).toContain(hint);
});

test.each([
  ["The node was low on resource: memory.", "machine is short of"],
  ['Usage of EmptyDir volume "data" exceeds the limit "5Mi".', "its limit"],
])("what to do about an eviction: %s", (message, hint) => {
  const failure: Failure = { reason: "Evicted", message };
  expect(explain({ revisions: [], waiting: [{ kind: "evicted", failure }] }).steps[0]?.hint).toContain(hint);
});

test.each([
  [0, "must not end"],
  [127, "not found in the image"],
  [137, "memory limit"],
  [203, "could not be executed"],
])("what to do about exit code %i", (exitCode, hint) => {
  const revisions = [endedWith(baseRevision({ state: exited() }), exitCode)];
  expect(explain({ revisions, waiting: [restart()] }).steps[0]?.hint).toContain(hint);
});
