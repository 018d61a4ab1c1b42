// What comes after what: pods, units, and the stages of one pod.

import { describe, expect, test } from "bun:test";
import { podKey } from "../../src/pod/names.ts";
import type { Revision } from "../../src/pod/observed-pod.ts";
import { stopOrder } from "../../src/reconcile/order.ts";
import { plan } from "../../src/reconcile/plan.ts";
import { plainProbe } from "../plain-pod.ts";
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
  wallMs,
} from "./base-world.ts";
import { told } from "./told.ts";

const db = podKey("default", "db");
const dependent = basePod({ life: { after: [db] } });
const dbPod = basePod({ name: "db", container: { readinessProbe: plainProbe } });
const dbUp = baseRevision({ name: "db", number: 5, wasReady: true });
const ready = { isStarted: true, isReady: true, unhealthy: undefined };
const isReady = new Map([[dbUp.uuid, new Map([["main", ready]])]]);

describe("a pod that comes after another", () => {
  const both = baseDesired({ pods: [dbPod, dependent] });
  const waits = "waits: after default/db";

  test("waits until that is Ready", () => {
    expect(told(baseWorld({ desired: both, revisions: [] }))).toEqual(["run containers", waits]);
    expect(told(baseWorld({ desired: both, revisions: [dbUp] }))).toEqual([waits]);
    expect(told(baseWorld({ desired: both, revisions: [dbUp], health: isReady }))).toEqual([
      "run containers",
    ]);
  });

  test("waits for one that is not there, and says so", () => {
    expect(told(baseWorld({ desired: baseDesired({ pods: [dependent] }), revisions: [] }))).toEqual([
      "waits: after default/db?",
    ]);
  });

  test("does not wait for one that has succeeded", () => {
    const job = basePod({ name: "db", restartPolicy: "Never" });
    const done = (exitCode: number) => {
      const apps = dbUp.apps.map((app) => ({ ...app, state: exitedApp(exitCode) }));
      return [baseRevision({ name: "db", number: 5, state: exited(), apps })];
    };
    const desired = baseDesired({ pods: [job, dependent] });
    expect(told(baseWorld({ desired, revisions: done(0) }))).toEqual(["run containers"]);
    expect(told(baseWorld({ desired, revisions: done(1) }))).toEqual([waits]);
  });

  test("runs on when that is not Ready any more, and is started again alone", () => {
    expect(told(baseWorld({ desired: both, revisions: [dbUp, baseRevision()] }))).toEqual([]);
    const crashed = baseRevision({ state: exited() });
    expect(told(baseWorld({ desired: both, revisions: [dbUp, crashed] }))).toEqual(["run containers"]);
  });

  test("waits again after a reboot", () => {
    const before = { finishedMs: -5000, isInterrupted: true };
    const revisions = [
      baseRevision({ activeSinceMs: -9000, state: exited(before) }),
      baseRevision({ name: "db", number: 5, activeSinceMs: -9000, state: exited(before) }),
    ];
    expect(told(baseWorld({ desired: both, revisions }))).toEqual(["run containers", waits]);
  });

  test("is left as it was by an edit until that is Ready", () => {
    const edited = basePod({ specHash: "bbbb", life: { after: [db] } });
    const desired = baseDesired({ pods: [dbPod, edited] });
    expect(told(baseWorld({ desired, revisions: [dbUp, baseRevision()] }))).toEqual([waits]);
  });
});

describe("a unit is ordered", () => {
  const attemptOf = (world: Parameters<typeof plan>[0]) => {
    const [run] = plan(world).actions;
    return run?.kind === "run" ? { after: run.attempt.after, before: run.attempt.before } : undefined;
  };

  test("after those of the pods that it comes after", () => {
    const desired = baseDesired({ pods: [dbPod, dependent] });
    expect(attemptOf(baseWorld({ desired, revisions: [dbUp], health: isReady }))).toEqual({
      after: [dbUp.uuid],
      before: [],
    });
  });

  test("before those of pods that come after it", () => {
    const desired = baseDesired({ pods: [dbPod, dependent] });
    const revisions = [baseRevision(), { ...dbUp, state: exited() }];
    expect(attemptOf(baseWorld({ desired, revisions }))).toEqual({
      after: [],
      before: [baseRevision().uuid],
    });
  });

  test("among those of its own pod", () => {
    const initContainers = [
      { name: "one", isSidecar: true },
      { name: "two", isSidecar: true },
    ];
    const desired = baseDesired({ pods: [basePod({ initContainers })] });
    const one = baseRevision({ number: 2, stage: sidecar("one") });
    const two = baseRevision({ number: 3, stage: sidecar("two"), state: exited() });
    expect(attemptOf(baseWorld({ desired, revisions: [baseRevision(), one, two] }))).toEqual({
      after: [uuidOf(2)],
      before: [uuidOf(1)],
    });
  });
});

describe("a pod is stopped", () => {
  const one = baseRevision({ number: 2, stage: sidecar("one"), createdAtMs: wallMs - 9000 });
  const two = baseRevision({
    number: 3,
    stage: sidecar("two"),
    createdAtMs: wallMs - 8000,
    networkOf: one.uuid,
  });
  const main = baseRevision({ networkOf: one.uuid });
  const names = (revisions: readonly Revision[]) => revisions.map(({ apps }) => apps[0]?.name ?? "");

  test("by its stages, the last first", () => {
    const initContainers = [
      { name: "two", isSidecar: true },
      { name: "one", isSidecar: true },
    ];
    const { spec } = basePod({ initContainers });
    expect(names(stopOrder([one, two, main], spec))).toEqual(["main", "one", "two"]);
  });

  test("by the age of its sidecars where its manifest is not known any more", () => {
    expect(names(stopOrder([one, two, main], undefined))).toEqual(["main", "two", "one"]);
    const desired = baseDesired({ pods: [] });
    expect(told(baseWorld({ desired, revisions: [one, two, main] }))).toEqual([
      "stop containers sidecar:two sidecar:one for deleted",
    ]);
  });
});

test("300 pods are planned in about three times the time of 100", () => {
  const millisFor = (count: number) => {
    const pods = Array.from({ length: count }, (_, index) =>
      basePod({
        name: `pod-${index}`,
        life: { after: index > 0 ? [podKey("default", `pod-${index - 1}`)] : [] },
      }),
    );
    const revisions = pods.map(({ name }, index) => baseRevision({ name, number: index }));
    const world = baseWorld({ desired: baseDesired({ pods }), revisions, nowMs });
    const times = Array.from({ length: 9 }, () => {
      const startNs = Bun.nanoseconds();
      expect(plan(world).actions).toEqual([]);
      return (Bun.nanoseconds() - startNs) / 1e6;
    });
    return Math.min(...times); // on a busy machine any may take long
  };
  millisFor(300);
  expect(millisFor(300)).toBeLessThan(9 * millisFor(100) + 5);
});
