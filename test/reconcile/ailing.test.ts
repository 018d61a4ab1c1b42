// What makes a Pod that runs as written stop: its probes, its hooks, its deadline, its node.

import { describe, expect, test } from "bun:test";
import type { HealthByRevision } from "../../src/pod/health.ts";
import { podKey } from "../../src/pod/names.ts";
import type { Failure, Reason } from "../../src/pod/observed-pod.ts";
import { type Action, actionId } from "../../src/reconcile/action.ts";
import { plan } from "../../src/reconcile/plan.ts";
import {
  baseDesired,
  basePod,
  baseRevision,
  baseWorld,
  exited,
  exitedApp,
  nowMs,
  sidecar,
  uuidOf,
} from "./base-world.ts";
import { told } from "./told.ts";

const key = podKey("default", "web");
const running = baseRevision();
const sick = {
  isStarted: true,
  isReady: false,
  unhealthy: { message: "Liveness probe failed: no", graceSeconds: 5 },
};
const health: HealthByRevision = new Map([[uuidOf(1), new Map([["main", sick]])]]);

describe("an unhealthy container", () => {
  const cause: Failure = { reason: "Unhealthy", message: "container main: Liveness probe failed: no" };

  test("ends its revision, with the probe's own grace period", () => {
    expect(plan(baseWorld({ health })).actions).toEqual([
      { kind: "stop", key, revisions: [running], stop: { cause, graceSeconds: 5 }, reason: "failed" },
    ]);
  });

  test.each([
    ["Always", ["run containers"]],
    ["OnFailure", ["run containers"]],
    ["Never", []],
  ] as const)("is started again by the policy %s, whatever it exited with: %p", (restartPolicy, expected) => {
    const state = exited({ killed: cause });
    const apps = running.apps.map((app) => ({ ...app, state: exitedApp(0) }));
    const desired = baseDesired({ pods: [basePod({ restartPolicy })] });
    expect(told(baseWorld({ desired, revisions: [baseRevision({ state, apps })] }))).toEqual(expected);
  });

  test("of a sidecar ends the sidecar alone", () => {
    const pods = [basePod({ initContainers: [{ name: "proxy", isSidecar: true }] })];
    const revisions = [running, baseRevision({ number: 2, stage: sidecar("proxy") })];
    const ofProxy = new Map([[uuidOf(2), new Map([["proxy", sick]])]]);
    expect(told(baseWorld({ desired: baseDesired({ pods }), revisions, health: ofProxy }))).toEqual([
      "stop sidecar:proxy for Unhealthy",
    ]);
  });

  test("of a revision that is stopping is no news", () => {
    expect(told(baseWorld({ health, revisions: [baseRevision({ state: { kind: "stopping" } })] }))).toEqual(
      [],
    );
  });

  test("of another revision is not this one's", () => {
    expect(told(baseWorld({ health, revisions: [baseRevision({ number: 2 })] }))).toEqual([]);
  });

  test("is dealt with where the manifests cannot be read, too", () => {
    const desired = baseDesired({ unreadable: "EIO" });
    expect(told(baseWorld({ desired, health }))).toEqual(["stop containers for Unhealthy"]);
  });
});

describe("a postStart hook", () => {
  const hookedWith = (command: string) =>
    basePod({ container: { postStart: { kind: "exec", command: [command] } } });
  const pod = hookedWith("true");
  const desired = baseDesired({ pods: [pod] });
  const fresh = baseRevision({ isPostStarted: false, wasReady: false });
  const hook: Action = { kind: "postStart", key, pod, revision: fresh, reason: "started" };
  const failed = (reason: Reason) =>
    new Map([
      [actionId(hook), { failure: { reason, message: "exit 1" }, count: 1, retryAtMs: nowMs + 10_000 }],
    ]);

  test("is run once its revision runs, and until then it is not Ready", () => {
    expect(plan(baseWorld({ desired, revisions: [fresh] })).actions).toEqual([hook]);
  });

  test("that is through is not run again; then the pod is Ready", () => {
    const through = baseRevision({ wasReady: false });
    expect(plan(baseWorld({ desired, revisions: [through] })).actions).toEqual([
      { kind: "markReady", key, pod, revision: through, reason: "ready" },
    ]);
  });

  test("that failed ends its revision", () => {
    const failures = failed("FailedPostStartHook");
    expect(told(baseWorld({ desired, revisions: [fresh], failures }))).toEqual([
      "stop containers for FailedPostStartHook",
    ]);
  });

  test("that could not be run is tried again", () => {
    const world = baseWorld({ desired, revisions: [fresh], failures: failed("RunContainerError") });
    expect(plan(world)).toMatchObject({ actions: [], recheckAtMs: nowMs + 10_000 });
    expect(plan({ ...world, nowMs: nowMs + 10_000 }).actions).toEqual([hook]);
  });

  test.each([
    ["goes on while its revision runs", { revisions: [fresh] }, []],
    ["is canceled when its revision has ended", { revisions: [{ ...fresh, state: exited() }] }, [hook]],
    ["is canceled when its container is unhealthy", { revisions: [fresh], health }, [hook]],
    [
      "is canceled when the pod is edited",
      { desired: baseDesired({ pods: [basePod({ specHash: "bbbb" })] }), revisions: [fresh] },
      [hook],
    ],
    [
      "is canceled when it is edited itself, though that replaces nothing",
      {
        desired: baseDesired({ pods: [hookedWith("false")] }),
        revisions: [fresh],
      },
      [hook],
    ],
    [
      "goes on when something else is edited that replaces nothing",
      { desired: baseDesired({ pods: [{ ...pod, labels: { tier: "front" } }] }), revisions: [fresh] },
      [],
    ],
    [
      "is canceled when the pod is deleted",
      { desired: baseDesired({ pods: [] }), revisions: [fresh] },
      [hook],
    ],
  ])("in flight %s", (_name, change, cancel) => {
    expect(plan(baseWorld({ desired, inFlight: [hook], ...change })).cancel).toEqual(cancel);
  });
});

describe("activeDeadlineSeconds", () => {
  const pods = [basePod({ spec: { activeDeadlineSeconds: 60 } })];
  const desired = baseDesired({ pods });
  const sinceMs = (ms: number) => ({ activeSinceMs: nowMs - ms });
  const kill = exited({ killed: { reason: "DeadlineExceeded", message: "" } });

  test("is waited for", () => {
    const world = baseWorld({ desired, revisions: [baseRevision(sinceMs(59_999))] });
    expect(plan(world)).toMatchObject({ actions: [], recheckAtMs: nowMs + 1 });
    expect(told(world)).toEqual([]);
  });

  test("over ends the pod", () => {
    expect(told(baseWorld({ desired, revisions: [baseRevision(sinceMs(60_000))] }))).toEqual([
      "stop containers for DeadlineExceeded",
      "waits: failed DeadlineExceeded",
    ]);
  });

  test.each([
    ["in a back-off", baseRevision({ ...sinceMs(60_000), state: exited({ agoMs: 5000 }), restartCount: 3 })],
    ["killed for it", baseRevision({ ...sinceMs(60_000), state: kill })],
    [
      "killed for it in an earlier boot, whose clock was another",
      baseRevision({ activeSinceMs: -1, state: { ...kill, finishedMs: 0 } }),
    ],
    [
      "started in an earlier boot",
      baseRevision({ activeSinceMs: -50_000, state: exited({ finishedMs: -40_000 }) }),
    ],
  ])("over for what is %s: it is not run again", (_name, revision) => {
    expect(
      told(
        baseWorld({
          desired,
          revisions: [revision],
          nowMs: Math.max(nowMs * Number(revision.activeSinceMs > 0), 10_000),
        }),
      ),
    ).toEqual(["waits: failed DeadlineExceeded"]);
  });

  test("begins anew with another manifest", () => {
    const other = baseRevision({ ...sinceMs(90_000), hash: "bbbb", state: exited() });
    expect(told(baseWorld({ desired, revisions: [other] }))).toEqual(["run containers"]);
  });

  test("longer or gone acts in place", () => {
    for (const activeDeadlineSeconds of [120, undefined]) {
      const longer = baseDesired({ pods: [basePod({ spec: { activeDeadlineSeconds } })] });
      expect(told(baseWorld({ desired: longer, revisions: [baseRevision(sinceMs(60_000))] }))).toEqual([]);
    }
  });

  test("regression: that was raised left a pod as it was that had been ended for it", () => {
    const longer = baseDesired({ pods: [basePod({ spec: { activeDeadlineSeconds: 120 } })] });
    const killed = baseRevision({ ...sinceMs(65_000), state: { ...kill, finishedMs: nowMs - 5000 } });
    expect(told(baseWorld({ desired: longer, revisions: [killed] }))).toEqual(["run containers"]);
    expect(told(baseWorld({ desired, revisions: [killed] }))).toEqual(["waits: failed DeadlineExceeded"]);
  });

  test("says nothing of a pod that completed before", () => {
    const apps = running.apps.map((app) => ({ ...app, state: exitedApp(0) }));
    const completed = baseRevision({ ...sinceMs(90_000), state: exited({ agoMs: 80_000 }), apps });
    const done = baseDesired({
      pods: [basePod({ restartPolicy: "Never", spec: { activeDeadlineSeconds: 60 } })],
    });
    expect(told(baseWorld({ desired: done, revisions: [completed] }))).toEqual([]);
  });
});

describe("a node under pressure", () => {
  const evict = new Map([
    [key, { reason: "Evicted", message: "The node was low on resource: memory." } as const],
  ]);
  const evicted = baseRevision({ state: exited({ killed: { reason: "Evicted", message: "" } }) });

  test("has what it cannot bear stopped, all of it", () => {
    const pods = [basePod({ initContainers: [{ name: "proxy", isSidecar: true }] })];
    const revisions = [baseRevision({ number: 2, stage: sidecar("proxy") }), running];
    expect(told(baseWorld({ desired: baseDesired({ pods }), revisions, evict }))).toEqual([
      "stop containers sidecar:proxy for Evicted",
      "waits: evicted Evicted",
    ]);
  });

  test.each([
    ["was evicted", [evicted]],
    ["is not there", []],
    ["runs otherwise, and is stopping", [baseRevision({ hash: "bbbb", state: { kind: "stopping" } })]],
  ])("starts nothing that %s", (_name, revisions) => {
    expect(told(baseWorld({ revisions, evict }))).toEqual(["waits: evicted Evicted"]);
  });

  test("has what is being started for it canceled", () => {
    const [run] = plan(baseWorld({ revisions: [] })).actions;
    const inFlight = run ? [run] : [];
    expect(plan(baseWorld({ revisions: [], evict, inFlight })).cancel).toEqual(inFlight);
  });

  test.each(["Always", "OnFailure", "Never"] as const)(
    "no more starts it again, by the policy %s too",
    (restartPolicy) => {
      const desired = baseDesired({ pods: [basePod({ restartPolicy })] });
      expect(told(baseWorld({ desired, revisions: [evicted] }))).toEqual(["run containers"]);
    },
  );
});

describe("changes in place", () => {
  test("of what the status shows are kept, and nothing is restarted", () => {
    const pod = {
      ...basePod(),
      labels: { tier: "front" },
      wire: { metadata: { labels: { tier: "front" } } },
    };
    const world = baseWorld({});
    expect(told({ ...world, desired: baseDesired({ pods: [pod] }) })).toEqual(["refresh", "waits: refresh"]);
  });
});
