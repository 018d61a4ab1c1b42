// What the machine shows becomes revisions: every state by table, on real files, with rkt's and systemd's answers as values.

import { describe, expect, test } from "bun:test";
import { mkdir, rm, utimes, writeFile } from "node:fs/promises";
import { CommandError } from "../../src/host/command.ts";
import { type ImageId, type PodUid, podUnitName, type RktUuid, type SpecHash } from "../../src/pod/names.ts";
import { ownershipAnnotations } from "../../src/rkt/ownership.ts";
import { RktError } from "../../src/rkt/rkt-error.ts";
import type { RktApp, RktPod } from "../../src/rkt/rkt-pod.ts";
import { Observer } from "../../src/runtime/observe.ts";
import { PodDirectories } from "../../src/runtime/pod-directory.ts";
import { TerminationMessages } from "../../src/runtime/termination-message.ts";
import { podUnitText } from "../../src/systemd/pod-unit.ts";
import type { UnitState } from "../../src/systemd/systemd.ts";
import { tempDir } from "../temp-dir.ts";

const uuid = "3b7f27cf-8a07-4d4b-9f2e-5a2d9f0f2a11" as RktUuid;
const uid = "uid-web" as PodUid;
const wallMs = Date.parse("2026-11-24T07:00:00Z");
const nowMs = 1_000_000;
const { signal } = new AbortController();

const mark = {
  uid,
  namespace: "default",
  name: "web-node",
  specHash: "aaaa" as SpecHash,
  manifest: "/manifests/web.yaml",
  restartCount: 2,
  backOffMs: 10_000,
  graceSeconds: 30,
};

function app(change: Partial<RktApp> = {}): RktApp {
  return {
    name: "main",
    state: "running",
    exitCode: undefined,
    imageId: `sha512-${"0".repeat(64)}` as ImageId,
    createdAtMs: wallMs - 61_000,
    startedAtMs: wallMs - 60_000,
    finishedAtMs: undefined,
    ...change,
  };
}

function rktPod(change: Partial<RktPod> = {}): RktPod {
  return {
    uuid,
    state: "running",
    createdAtMs: wallMs - 61_000,
    startedAtMs: wallMs - 60_000,
    networks: [],
    apps: [app()],
    ...change,
  };
}

const prepared = rktPod({ state: "prepared", startedAtMs: undefined, apps: [app({ state: "created" })] });
const exitedWith = (exitCode: number | undefined, change: Partial<RktPod> = {}) =>
  rktPod({ state: "exited", apps: [app({ state: "exited", exitCode })], ...change });

interface Machine {
  readonly pods?: readonly RktPod[];
  /** systemd's word for the pod unit; undefined: it is not loaded. */
  readonly unit?: string;
  /** False: after a reboot, or before it was written. */
  readonly hasUnitFile?: boolean;
  /** The finish marker's text. */
  readonly marker?: string;
  readonly isStopped?: boolean;
  /** Pods that are gone when their manifest is asked for. */
  readonly isManifestGone?: boolean;
}

/** The observer of a machine that may be changed between two looks. */
async function observed(first: Machine, ...next: readonly Machine[]) {
  await using dir = await tempDir();
  const directories = new PodDirectories(dir.path);
  let machine = first;
  let nowMsNow = nowMs;
  const observer = new Observer({
    rkt: {
      listPods: async () => machine.pods ?? [],
      async catManifest() {
        if (machine.isManifestGone) throw notFound();
        const annotations = ownershipAnnotations(mark);
        return {
          acVersion: "0.8.11",
          acKind: "PodManifest",
          apps: [],
          volumes: [],
          isolators: null,
          annotations,
          ports: null,
        };
      },
    },
    systemd: { listUnits: async () => (machine.unit === undefined ? [] : [unitState(machine.unit)]) },
    directories,
    messages: new TerminationMessages({ directories, isBuiltin: true }),
    unitDir: `${dir.path}/units`,
    bootId: "this-boot",
    clock: { nowMs: () => nowMsNow, wallMs: () => wallMs },
  });
  await mkdir(`${dir.path}/units`);
  await mkdir(directories.path(uid), { recursive: true });
  let observation = { revisions: [], podDirectories: [] } as Awaited<ReturnType<typeof observer.observe>>;
  for (const each of [first, ...next]) {
    machine = each;
    await arrange(machine, directories, `${dir.path}/units`);
    observation = await observer.observe(signal);
    nowMsNow += 5000;
  }
  return observation.revisions;
}

function notFound(): RktError {
  const fields = { argv: ["rkt"], exitCode: 254, signal: undefined, stdout: "" };
  const flags = { isTimeout: false, isCanceled: false, isNotFound: false };
  const stderr = `cat-manifest: no matches found for "${uuid}"`;
  return new RktError("print the manifest", new CommandError({ ...fields, ...flags, stderr }));
}

function unitState(activeState: string): UnitState {
  return {
    name: podUnitName(uuid),
    description: "",
    loadState: "loaded",
    activeState,
    subState: "",
    jobId: 0,
  };
}

async function arrange(machine: Machine, directories: PodDirectories, unitDir: string): Promise<void> {
  const unitFile = `${unitDir}/${podUnitName(uuid)}`;
  await rm(unitFile, { force: true });
  if (machine.hasUnitFile !== false) {
    const { uid: podUid, name, namespace, ...rest } = mark;
    const pod = { uid: podUid, name, namespace, hostNetwork: true };
    const finishedFile = directories.finishedFile(uid, uuid);
    const options = { ...rest, uuid, pod, preparedMs: 100_000, execStart: ["/bin/true"], finishedFile };
    await writeFile(unitFile, podUnitText(options));
  }
  await directories.removeMarkers(uid, uuid);
  if (machine.marker !== undefined) {
    await writeFile(directories.finishedFile(uid, uuid), machine.marker);
    await utimes(directories.finishedFile(uid, uuid), new Date(wallMs - 5000), new Date(wallMs - 5000));
  }
  if (machine.isStopped) await directories.markStopped(uid, uuid);
}

const endedAt700s = "700.00 this-boot success exited 0 end\n";

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
    expect(byUnit).toEqual(byManifest as never);
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
    expect(await observed({ pods: [prepared], hasUnitFile: false, isManifestGone: true })).toEqual([]);
  });

  test("a pod on its way out is not asked for its manifest", async () => {
    const pod = rktPod({ state: "deleting" });
    expect(await observed({ pods: [pod], hasUnitFile: false })).toEqual([]);
  });

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
