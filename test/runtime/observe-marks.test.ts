// What the pod's directory tells of a revision: why it ended, what has been done, what it was when rkt has forgotten it.

import { describe, expect, test } from "bun:test";
import type { Failure } from "../../src/pod/observed-pod.ts";
import {
  endedAt700s,
  exitedWith,
  look,
  type Machine,
  nowMs,
  observed,
  ownership,
  plainRecord,
  prepared,
  rktPod,
  uid,
  uuid,
  wallMs,
} from "./observed-machine.ts";

const unhealthy: Failure = { reason: "Unhealthy", message: "Liveness probe failed: refused" };
const evicted: Failure = { reason: "Evicted", message: "The node was low on resource: memory." };
const stoppedAt700s = endedAt700s.replace("end", "stop");
const nothing = { isStopped: false, isInterrupted: false, killed: undefined };
const code = (exitCode: number | undefined) => ({ apps: [{ state: { kind: "exited", exitCode } }] });

describe("why a revision ended", () => {
  const ended = (machine: Machine): Machine => ({ pods: [exitedWith(0)], marker: stoppedAt700s, ...machine });
  const onRequest = { cause: undefined, hasHooks: false };

  test.each<[what: string, machine: Machine, state: object, apps: object]>([
    ["by itself", ended({ marker: endedAt700s }), nothing, code(0)],
    ["to make room", ended({ stops: [onRequest] }), { ...nothing, isStopped: true }, code(0)],
    [
      "for its own fault: rkt's 0 is no success",
      ended({ stops: [{ cause: unhealthy, hasHooks: false }] }),
      { ...nothing, killed: unhealthy },
      code(undefined),
    ],
    [
      "for its own fault, and by a code of its own",
      ended({ pods: [exitedWith(3)], stops: [{ cause: unhealthy, hasHooks: false }] }),
      { ...nothing, killed: unhealthy },
      code(3),
    ],
    [
      "for its fault, and then it was to make room",
      ended({ stops: [{ cause: evicted, hasHooks: false }, onRequest] }),
      { isStopped: true, killed: evicted },
      code(0),
    ],
    [
      "by itself, before the stop for its fault that was announced",
      ended({ marker: endedAt700s, stops: [{ cause: unhealthy, hasHooks: false }] }),
      nothing,
      code(0),
    ],
    [
      "regression: by itself, as its preStop hook told it: that counted as its own end, and so as completed",
      ended({ marker: endedAt700s, stops: [{ cause: unhealthy, hasHooks: true }] }),
      { ...nothing, killed: unhealthy },
      code(undefined),
    ],
    [
      "as its preStop hook told it, to make room",
      ended({ marker: endedAt700s, stops: [{ cause: undefined, hasHooks: true }] }),
      { ...nothing, isStopped: true },
      code(0),
    ],
    ["by hand, or by a shutdown", ended({}), { ...nothing, isInterrupted: true }, code(undefined)],
  ])("%s", async (_, machine, state, apps) => {
    const [revision] = await observed(machine);
    expect(revision).toMatchObject({ state: { kind: "exited", ...state }, ...apps });
  });

  test("an agent that ended while preStop hooks ran has stopped nothing: the next one forgets that", async () => {
    const stops = [{ cause: unhealthy, hasHooks: true }];
    const running: Machine = { pods: [rktPod()], unit: "active", stops };
    const endedLater: Machine = { pods: [exitedWith(0)], marker: endedAt700s, keepsTraces: true };
    expect((await observed(running, endedLater))[0]?.state).toMatchObject(nothing);
    const stopping: Machine = { ...running, unit: "deactivating" };
    expect((await observed(stopping, endedLater))[0]?.state).toMatchObject({ killed: unhealthy });
  });
});

describe("what has been done with a revision", () => {
  test.each<[what: string, machine: Machine, isPostStarted: boolean, wasReady: boolean]>([
    ["one without hooks, never Ready", { record: {} }, true, false],
    ["one of an earlier gantry", {}, true, false],
    ["one whose postStart hooks have not run", { record: { hasPostStart: true } }, false, false],
    [
      "one whose hooks have run, Ready once",
      { record: { hasPostStart: true }, marks: ["post-started", "ready"] },
      true,
      true,
    ],
  ])("%s", async (_, machine, isPostStarted, wasReady) => {
    const [revision] = await observed({ pods: [rktPod()], unit: "active", ...machine });
    expect(revision).toMatchObject({ isPostStarted, wasReady });
  });
});

describe("after a reboot", () => {
  const start = {
    bootId: "other-boot",
    preparedMs: 60_000,
    preparedAtMs: wallMs - 50_000,
    activeSinceMs: 40_000,
  };
  const rebooted: Machine = {
    pods: [exitedWith(3)],
    hasUnitFile: false,
    marker: "90.00 other-boot exit-code exited 3 end\n",
    record: { start },
  };

  test("its stage, back-off and network are those that it was started with", async () => {
    const [revision] = await observed(rebooted);
    expect(revision).toMatchObject({ uuid, ...ownership });
  });

  test("how long it ran, and since when the Pod is what it is, are known", async () => {
    const [revision] = await observed(rebooted);
    // The Pod's life had begun 20 s before this was prepared, which was 50 s ago.
    expect(revision?.activeSinceMs).toBe(-1);
    expect(revision?.state).toMatchObject({ ranForMs: 30_000 });
    const longAgo = { ...start, preparedAtMs: wallMs - 5_000_000 };
    const [other] = await observed({ ...rebooted, record: { start: longAgo } });
    expect(other?.activeSinceMs).toBe(nowMs - 5_000_000 - 20_000);
  });

  test("a life begins with the start of its first revision, then too", async () => {
    const longAgo = { ...start, preparedAtMs: wallMs - 5_000_000 };
    const first = { ...rebooted, record: { start: { ...longAgo, activeSinceMs: start.preparedMs } } };
    const [revision] = await observed({ ...first, startedMs: 75_000 });
    expect(revision).toMatchObject({
      activeSinceMs: nowMs - 5_000_000 + 15_000,
      startedMs: undefined,
      state: { ranForMs: 15_000 },
    });
    const [later] = await observed({ ...rebooted, record: { start: longAgo }, startedMs: 75_000 });
    expect(later?.activeSinceMs).toBe(nowMs - 5_000_000 - 20_000);
  });

  test("a step of the clock between two looks changes nothing of that", async () => {
    const longAgo = { record: { start: { ...start, preparedAtMs: wallMs - 5_000_000 } } };
    const [revision] = await observed({ ...rebooted, ...longAgo }, { ...rebooted, ...longAgo });
    expect(revision?.activeSinceMs).toBe(nowMs - 5_000_000 - 20_000);
  });
});

test("in this boot a Pod's life is as old as its first revision", async () => {
  const start = { bootId: "this-boot", preparedMs: 100_000, preparedAtMs: wallMs, activeSinceMs: 50_000 };
  const [revision] = await observed({ pods: [rktPod()], unit: "active", record: { start } });
  expect(revision).toMatchObject({ activeSinceMs: 50_000, startedMs: 100_000 });
  const first = { ...start, activeSinceMs: start.preparedMs };
  const machine: Machine = { pods: [rktPod()], unit: "active", record: { start: first } };
  const [begun] = await observed({ ...machine, startedMs: 130_000 });
  expect(begun).toMatchObject({ activeSinceMs: 130_000, startedMs: 130_000 });
});

describe("what somebody has removed from rkt (rkt rm, rkt gc)", () => {
  const removed: Machine = { marker: endedAt700s, record: {} };

  test.each<[what: string, machine: Machine, exitCode: number | undefined, failure: object | undefined]>([
    ["regression: one that had completed was run again", {}, 0, undefined],
    ["one that had completed, after a reboot", { hasUnitFile: false }, 0, undefined],
    ["one that had failed", { marker: "700.00 this-boot exit-code exited 3 end\n" }, 3, undefined],
    ["one that was killed", { marker: "700.00 this-boot signal killed KILL end\n" }, undefined, undefined],
    ["one that was stopped by hand", { marker: stoppedAt700s }, undefined, undefined],
    [
      "one that could not be started",
      { marker: "700.00 this-boot exit-code exited 254 end\n" },
      254,
      { reason: "RunContainerError" },
    ],
  ])("%s", async (_, machine, exitCode, failure) => {
    const [revision] = await observed({ ...removed, ...machine });
    expect(revision?.apps).toMatchObject([{ name: "main", state: { kind: "exited", exitCode } }]);
    if (revision?.state.kind !== "exited") throw new Error("it has not ended");
    if (failure === undefined) expect(revision.state.failure).toBeUndefined();
    else expect(revision.state.failure).toMatchObject(failure);
  });

  test("of several apps one that failed is not told from the others", async () => {
    const apps = ["one", "two"].map((name) => ({ ...plainRecord.apps[0], name }) as never);
    const failed = "700.00 this-boot exit-code exited 3 end\n";
    const [revision] = await observed({ ...removed, marker: failed, record: { apps } });
    expect(revision?.apps.map(({ state }) => state)).toMatchObject([
      { exitCode: undefined },
      { exitCode: undefined },
    ]);
    const [completed] = await observed({ ...removed, record: { apps } });
    expect(completed?.apps.map(({ state }) => state)).toMatchObject([{ exitCode: 0 }, { exitCode: 0 }]);
  });

  test("one that was never started is nothing, and nothing is kept of it", async () => {
    const { revisions, traces } = await look({ hasUnitFile: false, record: {}, marks: ["ready"] });
    expect([revisions, traces]).toEqual([[], []]);
    const kept = await look({ pods: [prepared], hasUnitFile: false, record: {} });
    expect(kept.traces).toEqual([`attempt-${uuid}`]);
  });
});

describe("a pod that rkt cannot describe", () => {
  const manifestError = "cat-manifest: unexpected end of JSON input";

  test("regression: it kept us from seeing all others; it is logged once", async () => {
    const machine: Machine = { pods: [prepared], hasUnitFile: false, manifestError };
    const { revisions, logged } = await look(machine, machine, machine);
    expect(revisions).toEqual([]);
    expect(logged).toEqual([expect.stringContaining("taken for somebody else's")]);
  });

  test("is ours where our record says so", async () => {
    const [revision] = await observed({ pods: [prepared], hasUnitFile: false, manifestError, record: {} });
    expect(revision).toMatchObject({ uuid, podUid: uid });
  });

  test("is not somebody else's because rkt gave no answer", async () => {
    expect(observed({ pods: [prepared], hasUnitFile: false, manifestError: "" })).rejects.toThrow(
      "print the manifest",
    );
  });
});
