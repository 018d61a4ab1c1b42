// A new version that is not Ready in time makes room for the last that was.

import { describe, expect, test } from "bun:test";
import { podKey } from "../../src/pod/names.ts";
import type { Revision } from "../../src/pod/observed-pod.ts";
import { plan } from "../../src/reconcile/plan.ts";
import type { World } from "../../src/reconcile/world.ts";
import { plainProbe } from "../plain-pod.ts";
import {
  baseDesired,
  basePod,
  baseRevision,
  baseWorld,
  exited,
  firstAttempt,
  init,
  nowMs,
  wallMs,
} from "./base-world.ts";
import { told } from "./told.ts";

const key = podKey("default", "web");
const good = basePod({ specHash: "good", uid: "uid-good" });
const bad = basePod({
  specHash: "bad",
  uid: "uid-bad",
  container: { readinessProbe: plainProbe },
  life: { rollbackAfterMs: 30_000 },
});

function revision(change: Parameters<typeof baseRevision>[0] = {}): Revision {
  return baseRevision({
    hash: "bad",
    uid: "uid-bad",
    number: 2,
    wasReady: false,
    activeSinceMs: nowMs - 30_000,
    ...change,
  });
}

const wasGood = (change: Parameters<typeof baseRevision>[0] = {}) =>
  baseRevision({ hash: "good", uid: "uid-good", ...change });
const replaced = wasGood({ state: exited({ agoMs: 29_000, isStopped: true }) });
const killed = revision({
  activeSinceMs: nowMs - 90_000,
  state: exited({ agoMs: 60_000, killed: { reason: "RolledBack", message: "" } }),
});

function world(revisions: readonly Revision[], change: Partial<World> = {}): World {
  const desired = baseDesired({ pods: [bad] });
  return baseWorld({ desired, revisions, good: new Map([[bad.uid, good]]), ...change });
}

describe("a new version", () => {
  test("that is not Ready yet has its time", () => {
    const young = revision({ activeSinceMs: nowMs - 29_999 });
    expect(plan(world([replaced, young]))).toMatchObject({
      actions: [],
      recheckAtMs: nowMs + 1,
      pods: [bad],
    });
  });

  test("regression: that had to wait for the end of the old one has its time after that", () => {
    expect(told(world([replaced, revision({ startedMs: nowMs - 1000 })]))).toEqual([]);
  });

  test("that crashes has its time from its first start", () => {
    const crashed = revision({ state: exited() });
    const again = revision({ number: 3, restartCount: 1, startedMs: nowMs - 900 });
    expect(told(world([replaced, crashed, again]))).toEqual([
      "run containers replacing containers",
      "waits: rolledBack RolledBack",
    ]);
  });

  test("regression: that was cut off by a reboot has its time again, from its start in this boot", () => {
    const old = wasGood({
      activeSinceMs: -900_000,
      createdAtMs: wallMs - 900_000,
      state: exited({ finishedMs: -39_000, isStopped: true }),
    });
    const cutOff = revision({
      activeSinceMs: -40_000,
      state: exited({ finishedMs: -20_000, isInterrupted: true }),
    });
    expect(told(world([old, cutOff], { nowMs: 5000 }))).toEqual(["run containers"]);
    const again = revision({ number: 3, restartCount: 1, activeSinceMs: -40_000, startedMs: 5000 });
    expect(plan(world([old, cutOff, again], { nowMs: 34_999 }))).toMatchObject({
      recheckAtMs: 35_000,
      pods: [bad],
    });
    expect(plan(world([old, cutOff, again], { nowMs: 35_000 })).pods).toEqual([good]);
  });

  test("that is not Ready in time is replaced by the last good one, and known as rolled back", () => {
    const cause = {
      reason: "RolledBack",
      message: "not Ready within 30 s: the last version that was is back",
    } as const;
    const decided = plan(world([replaced, revision()]));
    expect(decided).toMatchObject({
      actions: [
        {
          kind: "run",
          key,
          pod: good,
          attempt: firstAttempt,
          replaces: [revision()],
          stop: { cause },
          reason: "rolledBack",
        },
      ],
      pods: [good],
    });
    expect(decided.waiting.get(key)).toContainEqual({ kind: "rolledBack", failure: cause });
  });

  test("that became Ready in time stays, also when it is not so any more", () => {
    expect(told(world([replaced, revision({ wasReady: true })]))).toEqual([]);
    const own = new Map([[bad.uid, bad]]);
    expect(told(world([replaced, revision()], { good: own }))).toEqual([]);
  });

  test("that is Ready at the last moment stays", () => {
    const ready = { isStarted: true, isReady: true, unhealthy: undefined };
    const health = new Map([[revision().uuid, new Map([["main", ready]])]]);
    expect(told(world([replaced, revision()], { health }))).toEqual(["markReady containers"]);
  });

  test("is replaced by one that comes after others without waiting for them", () => {
    const dependent = { ...good, life: { ...good.life, after: [podKey("default", "db")] } };
    const change = { good: new Map([[bad.uid, dependent]]) };
    expect(plan(world([replaced, revision()], change)).actions).toMatchObject([
      { kind: "run", pod: dependent },
    ]);
    expect(told(world([killed], change))).toEqual([
      "waits: after default/db?",
      "waits: rolledBack RolledBack",
    ]);
  });

  test("that crashes all the time is rolled back too", () => {
    const crashed = revision({ restartCount: 3, backOffMs: 20_000, state: exited() });
    expect(told(world([replaced, crashed]))).toEqual(["run containers", "waits: rolledBack RolledBack"]);
  });

  test("whose init container does not end is rolled back too", () => {
    const stuck = revision({ stage: init("first") });
    expect(told(world([replaced, stuck]))).toEqual([
      "run containers replacing init:first",
      "waits: rolledBack RolledBack",
    ]);
  });

  test.each([
    ["nothing of it is known to have been good", { good: new Map() }],
    ["that is not asked for", { desired: baseDesired({ pods: [{ ...bad, life: good.life }] }) }],
    ["the directory cannot be read", { desired: baseDesired({ pods: [bad], unreadable: "EIO" }) }],
  ])("is left alone where %s", (_name, change) => {
    expect(plan(world([replaced, revision()], change)).actions).toEqual([]);
  });
});

describe("a version that was rolled back", () => {
  const back = wasGood({ number: 3 });

  test("is not tried again", () => {
    expect(told(world([killed, back]))).toEqual(["waits: rolledBack RolledBack"]);
  });

  test("is not tried again when the good one ends, nor after a reboot", () => {
    expect(told(world([killed, wasGood({ number: 3, state: exited() })]))).toEqual([
      "run containers",
      "waits: rolledBack RolledBack",
    ]);
    const before = { finishedMs: -9000 };
    const rebooted = [
      {
        ...killed,
        activeSinceMs: -40_000,
        state: exited({ ...before, killed: { reason: "RolledBack", message: "" } }),
      },
      wasGood({ number: 3, activeSinceMs: -20_000, state: exited({ ...before, isInterrupted: true }) }),
    ] as const;
    expect(plan(world(rebooted, { nowMs: 5000 }))).toMatchObject({ actions: [{ pod: good }], pods: [good] });
  });

  test("is not tried again after a reboot either where it crashed by itself, so that nothing tells but what came after it", () => {
    const crashed = revision({ activeSinceMs: -90_000, state: exited({ finishedMs: -62_000 }) });
    const after = wasGood({
      number: 3,
      activeSinceMs: -60_000,
      createdAtMs: crashed.createdAtMs + 30_000,
      state: exited({ finishedMs: -9000, isInterrupted: true }),
    });
    expect(plan(world([crashed, after], { nowMs: 5000 }))).toMatchObject({
      actions: [{ pod: good, attempt: { restartCount: 1 } }],
      pods: [good],
    });
  });

  test("is told by what was tried of it, which is no garbage", () => {
    const tried = revision({ activeSinceMs: nowMs - 300_000, state: exited({ agoMs: 200_000 }) });
    const dead = wasGood({ number: 4, restartCount: 1, state: exited({ agoMs: 100_000 }) });
    expect(told(world([tried, dead, back]))).toEqual(["waits: rolledBack RolledBack"]);
  });

  test("is tried again when its manifest is another, even if it means the same", () => {
    const touched = { ...bad, uid: "uid-touched" as typeof bad.uid };
    const desired = baseDesired({ pods: [touched] });
    expect(plan(world([killed, back], { desired, good: new Map([[touched.uid, good]]) }))).toMatchObject({
      actions: [
        { kind: "run", pod: touched, replaces: [back], reason: "changed", stop: { cause: undefined } },
      ],
    });
  });

  test("is gone when the manifest is the good one again", () => {
    const pods = [{ ...good, life: bad.life }];
    const { actions, waiting } = plan(world([killed, back], { desired: baseDesired({ pods }) }));
    expect(actions).toEqual([]);
    expect(waiting.size).toBe(0);
  });

  test("keeps its directory, which tells what is good", () => {
    const told = world([killed, back]);
    const observation = { ...told.observation, revisions: [back] };
    const { actions } = plan({ ...told, observation: { ...observation, revisions: [killed, back] } });
    expect(actions).toEqual([]);
    expect(plan({ ...told, observation }).actions.map(({ kind }) => kind)).not.toContain(
      "removePodDirectory",
    );
  });

  test("has its start in flight ended", () => {
    const crashed = revision({ activeSinceMs: nowMs - 1000, state: exited() });
    const inFlight = plan(world([replaced, crashed])).actions;
    expect(inFlight).toMatchObject([{ kind: "run", pod: bad }]);
    expect(plan(world([replaced, crashed], { inFlight, nowMs: nowMs + 60_000 })).outdated).toEqual(inFlight);
  });
});
