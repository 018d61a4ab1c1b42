// Which stage of a Pod is started, and when: one pod with an init container, a sidecar, another init container and its containers.

import { describe, expect, test } from "bun:test";
import type { Revision } from "../../src/pod/observed-pod.ts";
import { containersStage, type Stage } from "../../src/pod/stage.ts";
import { actionId } from "../../src/reconcile/action.ts";
import { plan } from "../../src/reconcile/plan.ts";
import type { World } from "../../src/reconcile/world.ts";
import { plainProbe } from "../plain-pod.ts";
import {
  baseDesired,
  basePod,
  baseRevision,
  baseWorld,
  exited,
  exitedApp,
  init,
  nowMs,
  sidecar,
  uuidOf,
} from "./base-world.ts";
import { told } from "./told.ts";

const first = init("first");
const proxy = sidecar("proxy");
const second = init("second");

function pod(change: Parameters<typeof basePod>[0] = {}) {
  return basePod({
    initContainers: [{ name: "first" }, { name: "proxy", isSidecar: true }, { name: "second" }],
    spec: { hostNetwork: false, ...change.spec },
    ...change,
  });
}

const numbers: Readonly<Record<string, number>> = { first: 1, proxy: 2, second: 3, containers: 4 };

/** Each has a number of its own, the second network belongs to the sidecar. */
function revision(
  stage: Stage,
  change: Partial<Revision> & { number?: number; hash?: string } = {},
): Revision {
  const name = stage.kind === "containers" ? stage.kind : stage.container;
  const isAlone = stage.kind === "init" && name === "first";
  const networkOf = isAlone || name === "proxy" ? undefined : uuidOf(2);
  return baseRevision({ stage, number: numbers[name] ?? 9, networkOf, ...change });
}

function ended(
  stage: Stage,
  exitCode: number | undefined,
  change: Parameters<typeof revision>[1] & { agoMs?: number } = {},
) {
  const { agoMs = 1000, ...rest } = change;
  const made = revision(stage, { state: exited({ agoMs }), ...rest });
  return { ...made, apps: made.apps.map((app) => ({ ...app, state: exitedApp(exitCode) })) };
}

function world(revisions: readonly Revision[], change: Parameters<typeof basePod>[0] & Partial<World> = {}) {
  const { health, failures, nowMs: at = nowMs, ...ofPod } = change;
  return baseWorld({
    desired: baseDesired({ pods: [pod(ofPod)] }),
    revisions,
    nowMs: at,
    ...(health && { health }),
    ...(failures && { failures }),
  });
}

const firstDone = ended(first, 0, { agoMs: 9000 });
const secondDone = ended(second, 0, { agoMs: 5000 });
const up = [firstDone, revision(proxy), secondDone, revision(containersStage)];
const evicted = (stage: Stage, agoMs: number) =>
  revision(stage, { state: exited({ agoMs, killed: { reason: "Evicted", message: "memory" } }) });
const evictedUp = [firstDone, evicted(proxy, 2000), secondDone, evicted(containersStage, 3000)];
const without = (...stages: readonly Stage[]) =>
  up.filter(({ stage }) => !stages.some((other) => JSON.stringify(other) === JSON.stringify(stage)));
const waitsFor = (stage: string) => `waits: initializing ${stage}`;

describe("at the beginning", () => {
  const cases: readonly (readonly [string, readonly Revision[], readonly string[]])[] = [
    ["of which nothing is there: the first init container", [], ["run init:first"]],
    ["whose first init container runs: it is waited for", [revision(first)], [waitsFor("init:first")]],
    [
      "whose first init container is stopping by another's hand: its end is waited for",
      [revision(first, { state: { kind: "stopping" } })],
      [waitsFor("init:first")],
    ],
    [
      "whose first init container succeeded: the sidecar, with a network of its own",
      [firstDone],
      ["run sidecar:proxy"],
    ],
    [
      "whose sidecar runs: the next, in its network",
      [firstDone, revision(proxy)],
      ["run init:second with the network of 2"],
    ],
    [
      "whose sidecar's hook has not run: that first",
      [firstDone, revision(proxy, { isPostStarted: false })],
      ["postStart sidecar:proxy", waitsFor("sidecar:proxy")],
    ],
    [
      "all of whose inits are done: the containers",
      [firstDone, revision(proxy), secondDone],
      ["run containers with the network of 2"],
    ],
    ["all of which is up: nothing", up, []],
    [
      "whose init container succeeded before the boot: again",
      [ended(first, 0, { agoMs: nowMs + 5000, activeSinceMs: -9000 })],
      ["run init:first"],
    ],
    [
      "that was evicted, and its volumes cleared: again from the first, as after a boot",
      evictedUp,
      ["run init:first"],
    ],
    [
      "that was evicted between its init containers: again from the first",
      [firstDone, evicted(proxy, 2000), evicted(second, 3000)],
      ["run init:first"],
    ],
    [
      "that was evicted and whose init container has succeeded since: the sidecar",
      [...evictedUp, ended(first, 0, { agoMs: 1000, number: 5 })],
      ["run sidecar:proxy"],
    ],
    [
      "that was evicted and whose containers have been reached since: what ended is started again",
      [
        ...evictedUp,
        ended(first, 0, { agoMs: 1900, number: 5 }),
        revision(proxy, { number: 6 }),
        ended(second, 0, { agoMs: 1500, number: 7 }),
        ended(containersStage, 0, { agoMs: 1000, number: 8 }),
      ],
      ["run containers with the network of 6"],
    ],
    [
      "whose init container succeeded in an earlier life: again",
      [
        ended(first, 0, { agoMs: 90_000, activeSinceMs: nowMs - 99_000, number: 7 }),
        {
          ...ended(containersStage, 0, { agoMs: 80_000, activeSinceMs: nowMs - 99_000, number: 8 }),
          state: exited({ agoMs: 80_000, isStopped: true }),
        },
      ],
      ["run init:first"],
    ],
    [
      "that was edited: its first stage replaces all that runs, the containers first",
      [
        revision(proxy, { hash: "bbbb" }),
        revision(containersStage, { hash: "bbbb" }),
        ended(first, 0, { hash: "bbbb" }),
      ],
      ["run init:first replacing containers sidecar:proxy"],
    ],
  ];
  test.each(cases)("a pod %s", (_name, revisions, expected) => {
    expect(told(world(revisions))).toEqual(expected);
  });

  test("with the host's network: nobody shares another's", () => {
    const change = { spec: { hostNetwork: true } };
    expect(told(world([firstDone, revision(proxy, { networkOf: undefined }), secondDone], change))).toEqual([
      "run containers",
    ]);
  });

  test("with a startup probe on the sidecar: it is waited for until the probe has told", () => {
    const initContainers = [{ name: "first" }, { name: "proxy", isSidecar: true, startupProbe: plainProbe }];
    const revisions = [firstDone, revision(proxy)];
    expect(told(world(revisions, { initContainers }))).toEqual([waitsFor("sidecar:proxy")]);
    const started = { isStarted: true, isReady: false, unhealthy: undefined };
    const health = new Map([[uuidOf(2), new Map([["proxy", started]])]]);
    expect(told(world(revisions, { initContainers, health }))).toEqual([
      "run containers with the network of 2",
    ]);
  });
});

describe("an init container that failed", () => {
  const failed = ended(first, 3);

  test.each([
    ["Always", ["run init:first"]],
    ["OnFailure", ["run init:first"]],
    ["Never", []],
  ] as const)("is run again by the policy %s: %p", (restartPolicy, expected) => {
    expect(told(world([failed], { restartPolicy }))).toEqual(expected);
  });

  test("again and again waits as a crash loop does", () => {
    const revisions = [ended(first, 3, { restartCount: 2, backOffMs: 10_000 })];
    expect(told(world(revisions))).toEqual(["waits: restart init:first 20000"]);
  });

  test("for good ends the pod: its sidecars too", () => {
    const revisions = [firstDone, revision(proxy), ended(second, 3)];
    expect(told(world(revisions, { restartPolicy: "Never" }))).toEqual(["stop sidecar:proxy for completed"]);
  });

  test("is counted by itself", () => {
    const [action] = plan(world([ended(first, 3, { restartCount: 4 })])).actions;
    expect(action).toBeUndefined();
    const [again] = plan(world([ended(first, 0, { restartCount: 4 })])).actions;
    expect(again).toMatchObject({
      attempt: { stage: proxy, restartCount: 0, activeSinceMs: nowMs - 60_000 },
    });
  });
});

describe("a sidecar that ended", () => {
  test("is started again alone, in the network of who is up", () => {
    const containers = revision(containersStage, { networkOf: undefined });
    expect(told(world([...without(proxy, containersStage), containers, ended(proxy, 0)]))).toEqual([
      "run sidecar:proxy with the network of 4",
    ]);
  });

  test("and owned the network takes with it who shares it, the containers first", () => {
    const also = revision(sidecar("also"), { number: 5 });
    const initContainers = [
      { name: "proxy", isSidecar: true },
      { name: "also", isSidecar: true },
    ];
    expect(told(world([ended(proxy, 1), also, revision(containersStage)], { initContainers }))).toEqual([
      "stop containers sidecar:also for SandboxChanged",
    ]);
  });

  test("regression: what shares its network was started before that could be joined", () => {
    const containers = ended(containersStage, 0, {
      state: exited({ killed: { reason: "SandboxChanged", message: "" } }),
    });
    const settled = revision(proxy);
    const apps = settled.apps.map((app) => ({ ...app, state: { kind: "created" } as const }));
    const others = [...without(proxy, containersStage), containers];
    expect(told(world([...others, { ...settled, apps }]))).toEqual([waitsFor("sidecar:proxy")]);
    expect(told(world([...others, settled]))).toEqual(["run containers with the network of 2"]);
  });

  test("holds up no restart of containers that were reached once", () => {
    const crashed = ended(proxy, 1, { restartCount: 3, backOffMs: 80_000 });
    const containers = {
      ...ended(containersStage, 0),
      state: exited({ killed: { reason: "SandboxChanged", message: "" } }),
    };
    expect(told(world([...without(proxy, containersStage), crashed, containers]))).toEqual([
      "run containers",
      "waits: restart sidecar:proxy 160000",
    ]);
  });

  test("holds up containers that were not reached in this boot", () => {
    const crashed = ended(proxy, 1, { restartCount: 3, backOffMs: 80_000 });
    expect(told(world([firstDone, crashed]))).toEqual(["waits: restart sidecar:proxy 160000"]);
  });

  test("is started again whatever the policy, as long as the pod is not over", () => {
    const containers = revision(containersStage, { networkOf: undefined });
    const revisions = [...without(proxy, containersStage), containers, ended(proxy, 0)];
    expect(told(world(revisions, { restartPolicy: "Never" }))).toEqual([
      "run sidecar:proxy with the network of 4",
    ]);
  });
});

describe("containers that ended", () => {
  test("are started again alone", () => {
    expect(told(world([...without(containersStage), ended(containersStage, 1)]))).toEqual([
      "run containers with the network of 2",
    ]);
  });

  test("in the boot before: the pod begins with its first stage", () => {
    const before = [first, proxy, second, containersStage].map((stage) =>
      ended(stage, 0, { agoMs: nowMs + 5000, activeSinceMs: -9000 }),
    );
    expect(told(world(before))).toEqual(["run init:first"]);
  });

  test.each([
    ["Never", 0],
    ["Never", 1],
    ["OnFailure", 0],
  ] as const)("for good by the policy %s with %p: the sidecars end with them", (restartPolicy, exitCode) => {
    const revisions = [...without(containersStage), ended(containersStage, exitCode)];
    expect(told(world(revisions, { restartPolicy }))).toEqual(["stop sidecar:proxy for completed"]);
  });

  test("for good, and the sidecars too: nothing begins again", () => {
    const stopped = revision(proxy, { state: exited({ isStopped: true, agoMs: 10 }) });
    const revisions = [...without(containersStage, proxy), ended(containersStage, 0), stopped];
    expect(told(world(revisions, { restartPolicy: "OnFailure" }))).toEqual([]);
  });
});

test("nothing is started beside what is not to run and cannot be stopped", () => {
  const old = revision(containersStage, { number: 8, hash: "bbbb" });
  const revisions = [...without(containersStage), old];
  const [stop] = plan(world(revisions)).actions;
  expect(told(world(revisions))).toEqual(["stop containers for superseded"]);
  const failure = { reason: "FailedKillPod", message: "timeout" } as const;
  const failures = new Map(stop ? [[actionId(stop), { failure, count: 1, retryAtMs: nowMs + 9000 }]] : []);
  expect(told(world(revisions, { failures }))).toEqual(["waits: ending FailedKillPod"]);
});

test("what runs is of this life, whenever it says that its life began", () => {
  const other = { activeSinceMs: nowMs - 500_000 };
  expect(told(world([firstDone, revision(proxy, other), secondDone, revision(containersStage)]))).toEqual([]);
});

test("what is waited for in two stages is told of both", () => {
  const crashing = { restartCount: 3, backOffMs: 80_000 };
  const revisions = [
    ...without(proxy, containersStage),
    ended(proxy, 1, crashing),
    ended(containersStage, 1, crashing),
  ];
  expect(told(world(revisions))).toEqual([
    "waits: restart sidecar:proxy 160000",
    "waits: restart containers 160000",
  ]);
});
