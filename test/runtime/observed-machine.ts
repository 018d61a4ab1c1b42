// A machine as the observer finds it: real files, with rkt's and systemd's answers as values.

import { mkdir, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { CommandError } from "../../src/host/command.ts";
import { createLog } from "../../src/host/log.ts";
import {
  type ImageId,
  type PodUid,
  podKey,
  podUnitName,
  type RktUuid,
  type SpecHash,
} from "../../src/pod/names.ts";
import type { Failure, Observation, Revision } from "../../src/pod/observed-pod.ts";
import { containersStage } from "../../src/pod/stage.ts";
import { type Ownership, ownershipAnnotations } from "../../src/rkt/ownership.ts";
import { RktError } from "../../src/rkt/rkt-error.ts";
import type { RktApp, RktPod } from "../../src/rkt/rkt-pod.ts";
import { Observer } from "../../src/runtime/observe.ts";
import { PodDirectories } from "../../src/runtime/pod-directory.ts";
import type { RevisionRecord } from "../../src/runtime/revision-record.ts";
import { TerminationMessages } from "../../src/runtime/termination-message.ts";
import { podUnitText } from "../../src/systemd/pod-unit.ts";
import type { UnitState } from "../../src/systemd/systemd.ts";
import { tempDir } from "../temp-dir.ts";

export const uuid = "3b7f27cf-8a07-4d4b-9f2e-5a2d9f0f2a11" as RktUuid;
export const uid = "uid-web" as PodUid;
export const wallMs = Date.parse("2026-11-24T07:00:00Z");
export const nowMs = 1_000_000;
const { signal } = new AbortController();

const mark = {
  uid,
  namespace: "default",
  name: "web-node",
  specHash: "aaaa" as SpecHash,
  manifest: "/manifests/web.yaml",
  restartCount: 2,
  backOffMs: 10_000,
  stage: containersStage,
  networkOf: undefined,
  graceSeconds: 30,
};

export function app(change: Partial<RktApp> = {}): RktApp {
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

export function rktPod(change: Partial<RktPod> = {}): RktPod {
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

export const prepared = rktPod({
  state: "prepared",
  startedAtMs: undefined,
  apps: [app({ state: "created" })],
});
export const exitedWith = (exitCode: number | undefined, change: Partial<RktPod> = {}) =>
  rktPod({ state: "exited", apps: [app({ state: "exited", exitCode })], ...change });

const order = { after: [], before: [] };
export const ownership: Ownership = {
  podUid: uid,
  key: podKey(mark.namespace, mark.name),
  specHash: mark.specHash,
  manifest: mark.manifest,
  restartCount: mark.restartCount,
  backOffMs: mark.backOffMs,
  stage: { kind: "sidecar", container: "main" },
  networkOf: "00000000-0000-4000-8000-000000000001" as RktUuid,
};
export const plainRecord: RevisionRecord = {
  id: "one",
  fallbackToLogs: [],
  mark: ownership,
  start: undefined,
  apps: [{ name: "main", imageId: app().imageId }],
  hasPostStart: false,
  preStop: {},
};

export interface Machine {
  readonly pods?: readonly RktPod[];
  /** systemd's word for the pod unit; undefined: it is not loaded. */
  readonly unit?: string;
  /** False: after a reboot, or before it was written. */
  readonly hasUnitFile?: boolean;
  /** The finish marker's text. */
  readonly marker?: string;
  readonly isStopped?: boolean;
  /** Marks of stops: why, and whether hooks came first. */
  readonly stops?: readonly { readonly cause: Failure | undefined; readonly hasHooks: boolean }[];
  readonly startedMs?: number;
  readonly marks?: readonly ("post-started" | "ready")[];
  readonly record?: Partial<RevisionRecord>;
  /** What the last machine's directory had is there still. */
  readonly keepsTraces?: boolean;
  /** What rkt says when it is asked for the pod's manifest. */
  readonly manifestError?: string;
}

/** The observer of a machine that may be changed between two looks. */
export async function observed(first: Machine, ...next: readonly Machine[]): Promise<readonly Revision[]> {
  return (await look(first, ...next)).revisions;
}

export async function look(first: Machine, ...next: readonly Machine[]) {
  await using dir = await tempDir();
  const directories = new PodDirectories(dir.path);
  let machine = first;
  let nowMsNow = nowMs;
  const logged: string[] = [];
  const log = createLog({
    write: (line) => void logged.push(line),
    isJournal: true,
    isDebug: false,
    wallMs: () => 0,
  });
  const observer = new Observer({
    rkt: {
      listPods: async () => machine.pods ?? [],
      async catManifest() {
        if (machine.manifestError !== undefined) throw refusal(machine.manifestError);
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
    log,
  });
  await mkdir(`${dir.path}/units`);
  await mkdir(directories.path(uid), { recursive: true });
  let observation = { revisions: [], podDirectories: [] } as Observation;
  for (const each of [first, ...next]) {
    machine = each;
    await arrange(machine, directories, `${dir.path}/units`);
    observation = await observer.observe(signal);
    nowMsNow += 5000;
  }
  const traces = (await readdir(directories.path(uid))).filter((name) => name.endsWith(uuid));
  return { revisions: observation.revisions, logged, traces };
}

function refusal(stderr: string): RktError {
  const isTimeout = stderr === "";
  const fields = { argv: ["rkt"], exitCode: isTimeout ? undefined : 254, signal: undefined, stdout: "" };
  const flags = { isTimeout, isCanceled: false, isNotFound: false };
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
    const options = {
      ...rest,
      uuid,
      pod,
      preparedMs: 100_000,
      execStart: ["/bin/true"],
      finishedFile,
      order,
    };
    await writeFile(unitFile, podUnitText(options));
  }
  if (!machine.keepsTraces) await directories.removeTraces(uid, uuid);
  if (machine.marker !== undefined) {
    await writeFile(directories.finishedFile(uid, uuid), machine.marker);
    await utimes(directories.finishedFile(uid, uuid), new Date(wallMs - 5000), new Date(wallMs - 5000));
  }
  const stopped = machine.isStopped ? [{ cause: undefined, hasHooks: false }] : [];
  for (const stop of machine.stops ?? stopped) await directories.markStop(uid, uuid, stop);
  if (machine.startedMs !== undefined) await directories.setStarted(uid, uuid, machine.startedMs);
  for (const kind of machine.marks ?? []) await directories.mark(uid, uuid, kind);
  if (machine.record) await directories.setRecord(uid, uuid, { ...plainRecord, ...machine.record });
}

export const endedAt700s = "700.00 this-boot success exited 0 end\n";
