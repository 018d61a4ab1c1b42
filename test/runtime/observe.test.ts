// What the machine shows becomes revisions: every state by table.

import { describe, expect, test } from "bun:test";
import { lineageOf } from "../../src/pod/lineage.ts";
import type { RktPod } from "../../src/rkt/rkt-pod.ts";
import {
  app,
  endedAt700s,
  exitedWith,
  type Machine,
  nowMs,
  observed,
  ownership,
  prepared,
  rktPod,
  uid,
  uuid,
  wallMs,
} from "./observed-machine.ts";

describe("a revision's state", () => {
  test.each<[what: string, machine: Machine, kind: string]>([
    ["prepared and not started", { pods: [prepared] }, "prepared"],
    ["prepared, its unit file not written yet", { pods: [prepared], hasUnitFile: false }, "prepared"],
    ["prepared, its unit loaded", { pods: [prepared], unit: "inactive" }, "prepared"],
    ["prepared, its unit starting", { pods: [prepared], unit: "activating" }, "running"],
    ["running", { pods: [rktPod()], unit: "active" }, "running"],
    ["running by its unit, not yet by rkt", { pods: [prepared], unit: "active" }, "running"],
    ["running by rkt, not yet by its unit", { pods: [rktPod()] }, "running"],
    ["running, rkt has lost it", { unit: "active" }, "running"],
    ["its app has ended, its unit not", { pods: [exitedWith(0)], unit: "active" }, "running"],
    ["stopping", { pods: [rktPod()], unit: "deactivating" }, "stopping"],
    ["ended", { pods: [exitedWith(0)], marker: endedAt700s }, "exited"],
    ["ended, its unit still known", { pods: [exitedWith(3)], unit: "failed", marker: endedAt700s }, "exited"],
    ["could not be started", { pods: [prepared], unit: "failed" }, "exited"],
    [
      "could not be started, and systemd has forgotten it",
      { pods: [prepared], marker: endedAt700s },
      "exited",
    ],
    ["being removed", { pods: [rktPod({ state: "exited deleting" })], marker: endedAt700s }, "exited"],
    ["removed by somebody else", { marker: endedAt700s }, "exited"],
    ["after a reboot", { pods: [exitedWith(undefined)], hasUnitFile: false }, "exited"],
    ["prepared before a reboot", { pods: [prepared], hasUnitFile: false }, "prepared"],
  ])("%s", async (_, machine, kind) => {
    expect((await observed(machine)).map(({ state }) => state.kind as string)).toEqual([kind]);
  });

  test("what is written in the unit and in the pod manifest is the same", async () => {
    const [byUnit] = await observed({ pods: [prepared] });
    const [byManifest] = await observed({ pods: [prepared], hasUnitFile: false });
    expect({ ...byUnit, activeSinceMs: 0 }).toEqual(byManifest as never);
    expect(byUnit).toMatchObject({
      uuid,
      key: "default/web-node",
      podUid: uid,
      specHash: "aaaa",
      manifest: "/manifests/web.yaml",
      restartCount: 2,
      backOffMs: 10_000,
      state: { kind: "prepared" },
      apps: [{ name: "main", state: { kind: "created" } }],
      podIP: "",
    });
  });

  test.each<RktPod["state"]>(["embryo", "preparing", "aborted prepare"])(
    "%s is no revision yet",
    async (state) => {
      const pod = rktPod({ state, createdAtMs: undefined, apps: [] });
      expect(await observed({ pods: [pod], hasUnitFile: false })).toEqual([]);
    },
  );
});

describe("the end of a revision", () => {
  const startedThen = {
    bootId: "other-boot",
    preparedMs: 60_000,
    preparedAtMs: wallMs - 50_000,
    activeSinceMs: 60_000,
  };
  test.each<[what: string, machine: Machine, end: object]>([
    [
      "in this boot: as the marker says",
      { pods: [exitedWith(0)], marker: endedAt700s },
      { finishedMs: 700_000, ranForMs: 600_000, finishedAtMs: wallMs - 5000, isStopped: false },
    ],
    [
      "in an earlier boot, after which the clock was set back",
      {
        pods: [exitedWith(0)],
        hasUnitFile: false,
        marker: "9000000.00 other-boot success exited 0 end\n",
      },
      { finishedMs: -5000, ranForMs: 0 },
    ],
    [
      "in this boot, long after its preparation: it ran from its start",
      { pods: [exitedWith(0)], marker: endedAt700s, startedMs: 150_000 },
      { finishedMs: 700_000, ranForMs: 550_000 },
    ],
    [
      "in a power cut of an earlier boot: not before its start",
      {
        pods: [exitedWith(undefined)],
        hasUnitFile: false,
        record: { start: startedThen },
        startedMs: 70_000,
      },
      { finishedMs: -40_000, ranForMs: 0, isInterrupted: true },
    ],
    [
      "in a power cut, its start not known: not before its preparation",
      { pods: [exitedWith(undefined)], hasUnitFile: false, record: { start: startedThen } },
      { finishedMs: -50_000 },
    ],
    ["in a power cut", { pods: [exitedWith(undefined)], hasUnitFile: false }, { finishedMs: 0, ranForMs: 0 }],
    [
      "in a power cut that left an empty marker",
      { pods: [exitedWith(undefined)], hasUnitFile: false, marker: "" },
      { finishedMs: -5000, ranForMs: 0 },
    ],
    [
      "on a full disk, where no marker can be written: when it was first seen",
      { pods: [exitedWith(3)] },
      { finishedMs: nowMs, ranForMs: nowMs - 100_000, finishedAtMs: undefined },
    ],
    [
      "by us",
      { pods: [exitedWith(0)], marker: "700.00 this-boot success exited 0 stop\n", isStopped: true },
      { isStopped: true },
    ],
    [
      "by itself, before the stop that was announced",
      { pods: [exitedWith(0)], marker: endedAt700s, isStopped: true },
      { isStopped: false },
    ],
    [
      "before it had started",
      { pods: [prepared], unit: "failed" },
      { ranForMs: 0, failure: { reason: "RunContainerError" } },
    ],
  ])("%s", async (_, machine, end) => {
    const [revision] = await observed(machine);
    expect(revision?.state).toMatchObject({ kind: "exited", ...end });
  });

  test("without a marker stays where it was first seen", async () => {
    const fullDisk: Machine = { pods: [exitedWith(3)] };
    const [revision] = await observed(fullDisk, fullDisk, fullDisk);
    expect(revision?.state).toMatchObject({ finishedMs: nowMs });
  });
});

test("regression: after a power cut and a clean reboot, the revision that the power cut had ended was the last", async () => {
  const start = {
    bootId: "first-boot",
    preparedMs: 60_000,
    preparedAtMs: wallMs - 900_000,
    activeSinceMs: 60_000,
  };
  const [cut] = await observed({
    pods: [exitedWith(undefined)],
    hasUnitFile: false,
    record: { start, mark: { ...ownership, restartCount: 3 } },
  });
  const [clean] = await observed({
    pods: [exitedWith(0)],
    hasUnitFile: false,
    marker: "90.00 second-boot success exited 0 stop\n",
    record: { mark: { ...ownership, restartCount: 4 } },
  });
  const revisions = [cut, clean].filter((one) => one !== undefined);
  expect(lineageOf(revisions).exited.map(({ restartCount }) => restartCount)).toEqual([4, 3]);
});

describe("exit codes", () => {
  const stoppedByHand = "700.00 this-boot success exited 0 stop\n";

  test.each<[what: string, machine: Machine, exitCode: number | undefined]>([
    ["rkt's", { pods: [exitedWith(3)], marker: "700.00 this-boot exit-code exited 3 end\n" }, 3],
    ["unknown after a power cut", { pods: [exitedWith(undefined)], hasUnitFile: false }, undefined],
    [
      "the unit's for the only app of a fly pod",
      { pods: [exitedWith(undefined)], marker: "700.00 this-boot exit-code exited 7 end\n" },
      7,
    ],
    [
      "unknown for a fly pod that was killed",
      { pods: [exitedWith(undefined)], marker: "700.00 this-boot signal killed KILL end\n" },
      undefined,
    ],
    [
      "unknown for a pod that never started",
      {
        pods: [exitedWith(undefined, { startedAtMs: undefined })],
        marker: "700.00 this-boot exit-code exited 254 end\n",
      },
      undefined,
    ],
    [
      "of a stop by us: rkt's, as nobody draws conclusions from it",
      { pods: [exitedWith(0)], marker: stoppedByHand, isStopped: true },
      0,
    ],
    [
      "regression: 0 for a pod that was stopped by hand, which so had completed",
      { pods: [exitedWith(0)], marker: stoppedByHand },
      undefined,
    ],
    [
      "regression: 0 for a pod that ran until the machine was shut down",
      { pods: [exitedWith(0)], marker: stoppedByHand.replace("this-boot", "other-boot"), hasUnitFile: false },
      undefined,
    ],
    [
      "of an app that failed before the shutdown",
      { pods: [exitedWith(3)], marker: "700.00 this-boot exit-code exited 3 stop\n" },
      3,
    ],
  ])("%s", async (_, machine, exitCode) => {
    const [revision] = await observed(machine);
    expect(revision?.apps[0]?.state).toMatchObject({ kind: "exited", exitCode });
  });

  test("regression: an app's end was when rkt collected its garbage", async () => {
    const apps = [app({ state: "exited", exitCode: 0, finishedAtMs: wallMs })];
    const [revision] = await observed({
      pods: [rktPod({ state: "exited garbage", apps })],
      marker: endedAt700s,
    });
    expect(revision?.apps[0]?.state).toMatchObject({ finishedAtMs: wallMs - 5000 });
  });
});

describe("what is not ours, or going", () => {
  test("regression: a pod removed between the list and its manifest failed the whole look", async () => {
    const manifestError = `cat-manifest: no matches found for "${uuid}"`;
    expect(await observed({ pods: [prepared], hasUnitFile: false, manifestError })).toEqual([]);
  });

  test("a pod on its way out is not asked for its manifest", async () => {
    const pod = rktPod({ state: "exited deleting" });
    expect(await observed({ pods: [pod], hasUnitFile: false })).toEqual([]);
  });

  test.each(["garbage", "deleting"] as const)(
    "what was never started and is %s is not there",
    async (state) => {
      expect(await observed({ pods: [rktPod({ state })], hasUnitFile: false, record: {} })).toEqual([]);
    },
  );

  test("a pod whose unit file appears after it is one revision, not two", async () => {
    const revisions = await observed(
      { pods: [prepared], hasUnitFile: false },
      { pods: [prepared], unit: "active" },
    );
    expect(revisions).toHaveLength(1);
  });

  test("what is gone is forgotten", async () => {
    expect(await observed({ pods: [rktPod()], unit: "active" }, { hasUnitFile: false })).toEqual([]);
  });
});
