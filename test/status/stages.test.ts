// What a Pod with an init container and a sidecar shows on its way, and what of a probe, a hook, or the node is seen in it.

import { describe, expect, test } from "bun:test";
import type { ContainerStatus } from "kubernetes-types/core/v1";
import type { ContainerHealth, HealthByRevision } from "../../src/pod/health.ts";
import type { RktUuid } from "../../src/pod/names.ts";
import type { Revision } from "../../src/pod/observed-pod.ts";
import type { Waiting } from "../../src/pod/waiting.ts";
import { derivePod } from "../../src/status/derive.ts";
import type { PodView } from "../../src/status/shown-pod.ts";
import { plainProbe } from "../plain-pod.ts";
import { basePod, baseRevision, exited, nowMs } from "../reconcile/base-world.ts";
import {
  baseView,
  containersStage,
  endedWith,
  initStage,
  sidecarStage,
  stagedPod,
  stageRevision,
} from "./view.ts";

const setupDone = endedWith(stageRevision(initStage, { state: exited() }), 0);
const setupFailed = endedWith(stageRevision(initStage, { state: exited() }), 7);
const setupRuns = stageRevision(initStage);
const proxyRuns = stageRevision(sidecarStage);
const mainRuns = stageRevision(containersStage);
const mainFailed = endedWith(stageRevision(containersStage, { state: exited() }), 1);

const starting = (
  stage: Revision["stage"],
  failure?: { reason: "ErrImagePull"; message: string },
): Waiting => ({
  kind: "starting",
  stage,
  failure,
});
const restart = (stage: Revision["stage"]): Waiting => ({
  kind: "restart",
  stage,
  backOffMs: 10_000,
  untilMs: nowMs + 9000,
});

function derive(change: Partial<PodView>) {
  const { status } = derivePod(baseView({ pod: stagedPod(), ...change }), undefined);
  const conditions = (status?.conditions ?? []).map(({ type, status: is, reason }) => [
    type,
    reason === undefined ? is : `${is} ${reason}`,
  ]);
  return {
    status,
    phase: status?.phase,
    containers: [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].map(brief),
    condition: Object.fromEntries(conditions),
  };
}

/** `setup terminated Completed ready`. */
function brief({ name, state, lastState, ready, started, restartCount }: ContainerStatus): string {
  const [kind = "", detail] = Object.entries(state ?? {})[0] ?? [];
  const last = lastState?.terminated === undefined ? "" : `(last ${lastState.terminated.exitCode})`;
  return [name, kind, detail?.reason, started && "started", ready && "ready", last, restartCount || ""]
    .filter((part) => part !== undefined && part !== "" && part !== false)
    .join(" ");
}

describe("on its way", () => {
  const cases: [
    what: string,
    change: Partial<PodView>,
    phase: string,
    containers: string[],
    initialized: string,
  ][] = [
    [
      "nothing is there",
      { revisions: [], waiting: [starting(initStage)] },
      "Pending",
      ["setup waiting PodInitializing", "proxy waiting PodInitializing", "main waiting PodInitializing"],
      "False ContainersNotInitialized",
    ],
    [
      "an image of a later one cannot be pulled, and it is the one that says so",
      {
        revisions: [],
        waiting: [starting(initStage, { reason: "ErrImagePull", message: 'image "proxy:1": no' })],
      },
      "Pending",
      ["setup waiting PodInitializing", "proxy waiting ErrImagePull", "main waiting PodInitializing"],
      "False ContainersNotInitialized",
    ],
    [
      "the first runs",
      { revisions: [setupRuns], waiting: [{ kind: "initializing", stage: initStage }] },
      "Pending",
      ["setup running started", "proxy waiting PodInitializing", "main waiting PodInitializing"],
      "False ContainersNotInitialized",
    ],
    [
      "the first fails and is tried again",
      { revisions: [setupFailed], waiting: [restart(initStage)] },
      "Pending",
      [
        "setup waiting CrashLoopBackOff (last 7)",
        "proxy waiting PodInitializing",
        "main waiting PodInitializing",
      ],
      "False ContainersNotInitialized",
    ],
    [
      "the first fails and is not tried again",
      { pod: stagedPod({ restartPolicy: "Never" }), revisions: [setupFailed] },
      "Failed",
      ["setup terminated Error", "proxy waiting PodInitializing", "main waiting PodInitializing"],
      "False ContainersNotInitialized",
    ],
    [
      "the sidecar runs, but its hook does",
      { revisions: [setupDone, { ...proxyRuns, isPostStarted: false }], waiting: [] },
      "Pending",
      ["setup terminated Completed ready", "proxy running", "main waiting PodInitializing"],
      "False ContainersNotInitialized",
    ],
    [
      "the sidecar is started",
      { revisions: [setupDone, proxyRuns], waiting: [starting(containersStage)] },
      "Pending",
      ["setup terminated Completed ready", "proxy running started ready", "main waiting PodInitializing"],
      "True",
    ],
    [
      "all run",
      { revisions: [setupDone, proxyRuns, mainRuns] },
      "Running",
      ["setup terminated Completed ready", "proxy running started ready", "main running started ready"],
      "True",
    ],
    [
      "the containers crash, the sidecar stays",
      { revisions: [setupDone, proxyRuns, mainFailed], waiting: [restart(containersStage)] },
      "Running",
      [
        "setup terminated Completed ready",
        "proxy running started ready",
        "main waiting CrashLoopBackOff (last 1)",
      ],
      "True",
    ],
    [
      "the sidecar crashes, the containers stay",
      {
        revisions: [
          setupDone,
          endedWith(stageRevision(sidecarStage, { state: exited(), restartCount: 2 }), 1),
          mainRuns,
        ],
        waiting: [restart(sidecarStage)],
      },
      "Running",
      [
        "setup terminated Completed ready",
        "proxy waiting CrashLoopBackOff (last 1) 2",
        "main running started ready",
      ],
      "True",
    ],
    [
      "after a reboot the first is run again, and the others wait",
      { revisions: [setupDone, mainFailed], waiting: [starting(initStage)] },
      "Pending",
      [
        "setup waiting PodInitializing (last 0)",
        "proxy waiting PodInitializing",
        "main waiting PodInitializing (last 1)",
      ],
      "True",
    ],
    [
      "all has ended",
      {
        pod: stagedPod({ restartPolicy: "Never" }),
        revisions: [
          setupDone,
          endedWith(stageRevision(sidecarStage, { state: exited() }), 0),
          endedWith(stageRevision(containersStage, { state: exited() }), 0),
        ],
      },
      "Succeeded",
      ["setup terminated Completed ready", "proxy terminated Completed", "main terminated Completed"],
      "True PodCompleted",
    ],
    [
      "it was edited, and runs as it was until the new one can be started",
      {
        revisions: [
          endedWith(stageRevision(initStage, { state: exited(), hash: "bbbb" }), 0),
          stageRevision(sidecarStage, { hash: "bbbb" }),
          stageRevision(containersStage, { hash: "bbbb" }),
        ],
        waiting: [starting(initStage)],
      },
      "Running",
      ["setup terminated Completed ready", "proxy running started ready", "main running started ready"],
      "True",
    ],
  ];
  test.each(cases)("%s", (_what, change, phase, containers, initialized) => {
    const told = derive(change);
    expect(told.containers).toEqual(containers);
    expect([told.phase, told.condition.Initialized]).toEqual([phase, initialized]);
  });
});

test("a sidecar that is not ready keeps the Pod from being so, and is named", () => {
  const { status, condition } = derive({
    revisions: [setupDone, { ...proxyRuns, isPostStarted: false }, mainRuns],
  });
  expect(condition).toMatchObject({ Initialized: "True", Ready: "False ContainersNotReady" });
  expect(status?.conditions?.find(({ type }) => type === "Ready")?.message).toBe(
    "containers with unready status: [proxy]",
  );
});

test("with an address it is ready to start containers, without one only on the host's network", () => {
  const own = { ...stagedPod(), spec: { ...stagedPod().spec, hostNetwork: false } };
  const ready = (change: Partial<PodView>) => derive(change).condition.PodReadyToStartContainers;
  expect(ready({ pod: own, revisions: [setupRuns] })).toBe("False");
  expect(ready({ pod: own, revisions: [{ ...setupRuns, podIP: "172.16.28.2" }] })).toBe("True");
  expect(ready({ revisions: [setupRuns] })).toBe("True");
  expect(ready({ revisions: [setupDone] })).toBe("False");
});

describe("probes", () => {
  const probed = (...kinds: ("startupProbe" | "readinessProbe" | "livenessProbe")[]) => {
    const pod = basePod();
    const probes = Object.fromEntries(kinds.map((kind) => [kind, plainProbe]));
    return {
      ...pod,
      spec: { ...pod.spec, containers: pod.spec.containers.map((one) => ({ ...one, ...probes })) },
    };
  };
  const told = (health: Partial<ContainerHealth>): HealthByRevision => {
    const all = { isStarted: true, isReady: true, unhealthy: undefined, ...health };
    return new Map([[baseRevision().uuid as RktUuid, new Map([["main", all]])]]);
  };
  const cases: [what: string, change: Partial<PodView>, container: string][] = [
    ["none", { pod: basePod() }, "main running started ready"],
    ["a liveness probe that was not run", { pod: probed("livenessProbe") }, "main running started ready"],
    ["a readiness probe that was not run", { pod: probed("readinessProbe") }, "main running started"],
    ["a startup probe that was not run", { pod: probed("startupProbe") }, "main running"],
    [
      "a readiness probe that fails",
      { pod: probed("readinessProbe"), health: told({ isReady: false }) },
      "main running started",
    ],
    [
      "a readiness probe that succeeds",
      { pod: probed("readinessProbe"), health: told({}) },
      "main running started ready",
    ],
    [
      "a startup probe that fails",
      { pod: probed("startupProbe"), health: told({ isStarted: false, isReady: false }) },
      "main running",
    ],
    [
      "all succeed while it is being stopped",
      { health: told({}), revisions: [baseRevision({ state: { kind: "stopping" } })] },
      "main running",
    ],
  ];
  test.each(cases)("%s", (_what, change, container) => {
    const { containers, condition } = derive({
      revisions: [baseRevision()],
      ...change,
      pod: change.pod ?? basePod(),
    });
    expect(containers).toEqual([container]);
    expect(condition.Ready).toBe(container.includes("ready") ? "True" : "False ContainersNotReady");
  });

  test("what is ready by a probe is so from when that was seen; the next agent knows only when it started", () => {
    const view = baseView({ pod: probed("readinessProbe") });
    const before = derivePod(view, undefined);
    const ready = derivePod({ ...view, health: told({}), wallMs: view.wallMs + 5000 }, before);
    const since = (pod: typeof ready) =>
      pod.status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime;
    expect(since(ready)).toBe("2026-01-01T12:00:05Z");
    expect(since(derivePod({ ...view, health: told({}) }, undefined))).toBe("2026-01-01T11:59:01Z");
  });
});

describe("what was ended for its own fault", () => {
  const unhealthy = {
    reason: "Unhealthy",
    message: "Liveness probe failed: HTTP probe failed with statuscode: 500",
  } as const;
  const killed = endedWith(baseRevision({ state: exited({ killed: unhealthy }) }), 137);

  test("says so in how it ended, unless it says something itself", () => {
    const pod = basePod();
    const told = (revision: Revision) =>
      derive({ pod, revisions: [revision], waiting: [restart(containersStage)] }).status
        ?.containerStatuses?.[0]?.lastState;
    expect(told(killed)?.terminated).toMatchObject({
      exitCode: 137,
      reason: "Error",
      message: unhealthy.message,
    });
    expect(told(endedWith(killed, undefined))?.terminated).toMatchObject({ exitCode: 137, reason: "Error" });
    const own = endedWith(killed, 137, "bye");
    expect(told(own)?.terminated?.message).toBe("bye");
  });

  test("and is not started again is a failed Pod, also if it ended well then", () => {
    const pod = basePod({ restartPolicy: "Never" });
    const { phase, condition } = derive({ pod, revisions: [endedWith(killed, 0)] });
    expect([phase, condition.Ready]).toEqual(["Failed", "False PodFailed"]);
  });
});

describe("what it waits for", () => {
  const deadline = {
    reason: "DeadlineExceeded",
    message: "Pod was active on the node longer than the specified deadline",
  } as const;
  const evicted = { reason: "Evicted", message: "The node was low on resource: memory." } as const;

  test.each([
    ["its deadline is over", { kind: "failed", failure: deadline }, deadline],
    ["it was evicted", { kind: "evicted", failure: evicted }, evicted],
  ] as const)("%s: it has failed, and the Pod says why", (_what, waiting, failure) => {
    const { status, condition } = derive({ pod: basePod(), revisions: [], waiting: [waiting] });
    expect(status).toMatchObject({ phase: "Failed", ...failure });
    expect(condition.Ready).toBe("False PodFailed");
  });

  test("other Pods", () => {
    const after = {
      kind: "after",
      pods: ["default/db-node"],
      unknown: ["default/nope"],
    } as unknown as Waiting;
    const { status } = derive({ revisions: [], waiting: [after] });
    expect(status?.initContainerStatuses?.[0]?.state).toEqual({
      waiting: {
        reason: "WaitingForPods",
        message:
          "waits for default/db-node to be Ready; waits for default/nope, of which there is no manifest",
      },
    });
  });

  test("a manifest that was not Ready in time: it is the last version that was", () => {
    const failure = { reason: "RolledBack", message: "not Ready within 1m" } as const;
    const { phase, condition } = derive({
      pod: basePod(),
      revisions: [baseRevision({ hash: "bbbb" })],
      waiting: [{ kind: "rolledBack", failure }],
    });
    expect([phase, condition.UpToDate, condition.Ready]).toEqual(["Running", "False RolledBack", "True"]);
  });

  test("something of it that cannot be removed", () => {
    const failure = { reason: "FailedKillPod", message: "device or resource busy" } as const;
    const { condition } = derive({ waiting: [{ kind: "ending", failure, count: 3, untilMs: 0 }] });
    expect(condition.CleanedUp).toBe("False FailedKillPod");
  });
});
