// What is left over, and when it goes.

import { describe, expect, test } from "bun:test";
import type { PodUid } from "../../src/pod/names.ts";
import { actionId } from "../../src/reconcile/action.ts";
import { plan } from "../../src/reconcile/plan.ts";
import { baseDesired, basePod, baseRevision, baseWorld, exited, init, nowMs, sidecar } from "./base-world.ts";
import { told } from "./told.ts";

const running = baseRevision({ number: 9, restartCount: 9 });
const dead = (number: number, agoMs: number, change: Parameters<typeof baseRevision>[0] = {}) =>
  baseRevision({ number, state: exited({ agoMs }), ...change });

describe("dead revisions of a pod that runs", () => {
  test("are kept for a minute, and the last one longer", () => {
    const world = baseWorld({ revisions: [running, dead(1, 59_999), dead(2, 59_000)] });
    expect(plan(world)).toMatchObject({ actions: [], recheckAtMs: nowMs + 1 });
    expect(plan({ ...world, nowMs: nowMs + 1 }).actions).toMatchObject([
      { kind: "remove", revision: { uuid: dead(1, 0).uuid } },
    ]);
    expect(
      told({ ...world, observation: { ...world.observation, revisions: [running, dead(2, 900_000)] } }),
    ).toEqual([]);
  });

  test("go one after the other, the oldest first", () => {
    const revisions = [dead(3, 70_000), running, dead(1, 90_000), dead(2, 80_000)];
    expect(plan(baseWorld({ revisions })).actions).toMatchObject([{ revision: { uuid: dead(1, 0).uuid } }]);
  });

  test("of an earlier boot are old enough a minute after the boot", () => {
    const revisions = [running, dead(1, 0, { state: exited({ finishedMs: -100 }) }), dead(2, 30_000)];
    expect(plan(baseWorld({ revisions, nowMs: 59_899 })).actions).toEqual([]);
    expect(plan(baseWorld({ revisions, nowMs: 59_900 })).actions).toMatchObject([{ kind: "remove" }]);
  });

  test("are kept one a stage: for logs, and as init containers are not run again", () => {
    const desired = baseDesired({
      pods: [basePod({ initContainers: [{ name: "first" }, { name: "proxy", isSidecar: true }] })],
    });
    const revisions = [
      running,
      dead(1, 900_000, { stage: init("first"), apps: [] }),
      baseRevision({ number: 2, stage: sidecar("proxy") }),
      dead(3, 800_000, { stage: sidecar("proxy") }),
      dead(4, 700_000),
    ];
    expect(told(baseWorld({ desired, revisions }))).toEqual([]);
    const removed = { stage: init("gone"), hash: "bbbb" };
    expect(told(baseWorld({ desired, revisions: [...revisions, dead(5, 800_000, removed)] }))).toEqual([
      "remove init:gone",
    ]);
  });

  test("that cannot be removed hold up nothing, and are told", () => {
    const failure = { reason: "FailedKillPod", message: "device or resource busy" } as const;
    const revisions = [dead(1, 90_000), dead(2, 70_000, { restartCount: 1 })];
    const [, removal] = [
      ...plan(baseWorld({ revisions: [running, ...revisions] })).actions,
      undefined,
    ].reverse();
    if (removal === undefined) throw new Error("no removal");
    const failures = new Map([[actionId(removal), { failure, count: 3, retryAtMs: nowMs + 40_000 }]]);
    const world = baseWorld({ revisions, failures });
    expect(told(world)).toContain("waits: ending FailedKillPod");
    expect(plan({ ...world, nowMs: nowMs + 5000 }).actions).toMatchObject([{ kind: "run" }]);
  });
});

describe("a prepared revision that is not going to be used", () => {
  test("goes at once, but never before a start", () => {
    const prepared = baseRevision({ number: 2, state: { kind: "prepared" } });
    expect(told(baseWorld({ revisions: [running, prepared] }))).toEqual(["remove containers"]);
    expect(told(baseWorld({ revisions: [prepared] }))).toEqual(["run containers"]);
  });
});

describe("dead revisions of all pods together", () => {
  const pods = Array.from({ length: 130 }, (_, index) => basePod({ name: `pod-${index}` }));
  const up = pods.map(({ name }, index) => baseRevision({ name, number: index }));
  const down = pods.map(({ name }, index) => dead(1000 + index, 100_000 + index, { name }));

  test("are at most 100, the oldest go", () => {
    const { actions } = plan(baseWorld({ desired: baseDesired({ pods }), revisions: [...up, ...down] }));
    const names: readonly string[] = actions.map((action) =>
      action.kind === "remove" ? action.key : action.kind,
    );
    expect([...names].sort()).toEqual(
      pods
        .slice(100)
        .map(({ name }) => `default/${name}`)
        .sort(),
    );
  });

  test("are more where a start depends on them", () => {
    const desired = baseDesired({
      pods: pods.map((pod) => ({ ...pod, spec: { ...pod.spec, restartPolicy: "Never" as const } })),
    });
    expect(plan(baseWorld({ desired, revisions: down })).actions).toEqual([]);
  });
});

describe("a directory", () => {
  const lone = (uid: string) => ({
    uid: uid as PodUid,
    content: undefined,
    accepted: undefined,
    good: undefined,
  });

  test("that is nobody's goes, all such at once; that of a wanted pod stays", () => {
    const world = baseWorld({ revisions: [] });
    const observation = {
      revisions: [],
      podDirectories: [lone("uid-web"), lone("uid-gone"), lone("uid-other")],
    };
    const { actions } = plan({ ...world, observation });
    expect(actions.filter(({ kind }) => kind === "removePodDirectory")).toEqual([
      { kind: "removePodDirectory", uid: "uid-gone" as PodUid, reason: "garbage" },
      { kind: "removePodDirectory", uid: "uid-other" as PodUid, reason: "garbage" },
    ]);
  });
});
