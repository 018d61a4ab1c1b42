// One look at the machine: rkt's pods, systemd's units and our unit files, joined to revisions.
// Invariants: a look that fails in any part throws (could not observe is not absent); what does not carry our mark is left out.

import { readdir } from "node:fs/promises";
import type { Clock } from "../host/clock.ts";
import { readTextIfExists } from "../host/files.ts";
import { type PodUid, podKey, podUnitGlob, podUnitName, type RktUuid, uuidOfPodUnit } from "../pod/names.ts";
import type { Failure, Observation, ObservedApp, Revision, RevisionState } from "../pod/observed-pod.ts";
import { containersStage } from "../pod/stage.ts";
import { type Ownership, ownershipOf } from "../rkt/ownership.ts";
import type { RktClient } from "../rkt/rkt-client.ts";
import { RktError } from "../rkt/rkt-error.ts";
import type { RktApp, RktPod } from "../rkt/rkt-pod.ts";
import { lastMessages } from "../systemd/journal.ts";
import { type Finished, type PodUnit, parseFinished, parsePodUnit } from "../systemd/pod-unit.ts";
import type { Systemd, UnitState } from "../systemd/systemd.ts";
import type { PodDirectories } from "./pod-directory.ts";
import type { TerminationMessages } from "./termination-message.ts";

export interface ObserverOptions {
  readonly rkt: Pick<RktClient, "listPods" | "catManifest">;
  readonly systemd: Pick<Systemd, "listUnits">;
  readonly directories: PodDirectories;
  readonly messages: TerminationMessages;
  readonly unitDir: string;
  readonly bootId: string;
  readonly clock: Clock;
}

/** What a revision was made for, from its unit file or, where that is gone (a reboot), from its pod manifest. */
type Mark = Ownership;

export class Observer {
  readonly #options: ObserverOptions;
  /** A revision's unit file, mark and failure never change once written: each is read once. */
  readonly #units = new Map<RktUuid, PodUnit | undefined>();
  readonly #marks = new Map<RktUuid, Mark | undefined>();
  readonly #failures = new Map<RktUuid, Failure>();
  /** When an end of which no marker tells was first seen, on the monotonic clock. */
  readonly #endsSeenMs = new Map<RktUuid, number>();

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** The pod unit's file, if there is one and it is ours. */
  podUnit(uuid: RktUuid): PodUnit | undefined {
    return this.#units.get(uuid);
  }

  async observe(signal: AbortSignal): Promise<Observation> {
    const { rkt, systemd, directories } = this.#options;
    // systemd first: of what has ended by then, rkt has the exit codes.
    const [states, , podDirectories] = await Promise.all([
      systemd.listUnits([podUnitGlob], signal),
      this.#readUnits(),
      directories.list(),
    ]);
    const pods = await rkt.listPods(signal);
    const podByUuid = new Map(pods.map((pod) => [pod.uuid, pod]));
    const stateByName = new Map(states.map((state) => [state.name, state]));
    await this.#readMarks(pods, signal);

    const revisions: Revision[] = [];
    for (const [uuid, mark] of this.#marks) {
      if (mark === undefined) continue;
      const seen = { uuid, mark, pod: podByUuid.get(uuid), unit: stateByName.get(podUnitName(uuid)) };
      revisions.push(await this.#revision(seen, signal));
    }
    return { revisions, podDirectories };
  }

  /** Reads the unit files that are new and forgets those that are gone. */
  async #readUnits(): Promise<void> {
    const names = await readdir(this.#options.unitDir);
    const present = new Set(names.flatMap((name) => uuidOfPodUnit(name) ?? []));
    for (const uuid of this.#units.keys()) if (!present.has(uuid)) this.#units.delete(uuid);
    for (const uuid of present) await this.#readUnit(uuid);
  }

  async #readUnit(uuid: RktUuid): Promise<void> {
    if (this.#units.has(uuid)) return;
    const text = await readTextIfExists(`${this.#options.unitDir}/${podUnitName(uuid)}`);
    if (text !== undefined) this.#units.set(uuid, parsePodUnit(text));
  }

  /** Finds out which rkt pods and units are ours; asks rkt once for each pod that has no unit file. */
  async #readMarks(pods: readonly RktPod[], signal: AbortSignal): Promise<void> {
    const made = pods.filter(({ state }) => !["embryo", "preparing", "aborted prepare"].includes(state));
    const present = new Set([...made.map(({ uuid }) => uuid), ...this.#units.keys()]);
    this.#options.messages.forgetAllBut(present);
    for (const map of [this.#marks, this.#failures, this.#endsSeenMs])
      for (const uuid of map.keys()) if (!present.has(uuid)) map.delete(uuid);
    // What is on its way out has no manifest that can be relied on.
    const leaving = new Set(made.filter(({ state }) => state.endsWith("deleting")).map(({ uuid }) => uuid));
    for (const uuid of present) {
      if (this.#marks.has(uuid)) continue;
      await this.#readUnit(uuid); // it may have been written after the look at the others
      const unit = this.#units.get(uuid);
      if (unit !== undefined) this.#marks.set(uuid, markOfUnit(unit));
      else if (!this.#units.has(uuid) && !leaving.has(uuid)) await this.#readMarkOfPod(uuid, signal);
    }
  }

  async #readMarkOfPod(uuid: RktUuid, signal: AbortSignal): Promise<void> {
    try {
      this.#marks.set(uuid, ownershipOf(await this.#options.rkt.catManifest(uuid, signal)));
    } catch (error) {
      if (!(error instanceof RktError && error.isNotFound)) throw error; // else it was removed after it was listed
    }
  }

  async #revision(seen: Seen, signal: AbortSignal): Promise<Revision> {
    const { uuid, mark, pod } = seen;
    const end = isUp(seen.unit) ? undefined : await this.#end(mark.podUid, uuid);
    const state = await this.#state(seen, end, signal);
    const apps = pod === undefined ? [] : observedApps(pod, state, end);
    return {
      uuid,
      key: mark.key,
      podUid: mark.podUid,
      specHash: mark.specHash,
      stage: containersStage,
      networkOf: undefined,
      isPostStarted: true,
      wasReady: false,
      manifest: mark.manifest,
      restartCount: mark.restartCount,
      backOffMs: mark.backOffMs,
      activeSinceMs: this.#units.get(uuid)?.preparedMs ?? 0,
      state,
      apps: await this.#options.messages.addTo(apps, { uid: mark.podUid, uuid }, signal),
      podIP: pod?.networks.find(({ ip }) => ip !== "")?.ip ?? "",
      createdAtMs: pod?.createdAtMs ?? 0,
      startedAtMs: pod?.startedAtMs,
    };
  }

  async #state(seen: Seen, end: End | undefined, signal: AbortSignal): Promise<RevisionState> {
    const { uuid, mark, pod } = seen;
    const kind = stateKind(seen.unit, pod, end !== undefined);
    if (kind !== "exited") return { kind };
    const finishedMs = this.#finishedMs(uuid, end);
    const preparedMs = this.#units.get(uuid)?.preparedMs;
    const hasStarted = pod?.startedAtMs !== undefined;
    // A stop that was announced and never came (a kill in between) is not what ended it.
    const isStopped =
      end?.finished?.isStopRequested !== false &&
      (await this.#options.directories.isStopped(mark.podUid, uuid));
    return {
      kind,
      finishedAtMs: end?.markedAtMs,
      finishedMs,
      ranForMs: hasStarted && preparedMs !== undefined ? Math.max(0, finishedMs - preparedMs) : 0,
      isStopped,
      isInterrupted:
        !isStopped && (end?.finished === undefined ? finishedMs <= 0 : end.finished.isStopRequested),
      killed: undefined,
      failure: hasStarted ? undefined : await this.#failure(uuid, end, signal),
    };
  }

  /** On this boot's clock; not above 0 for an end in an earlier boot, of which only the wall clock tells. */
  #finishedMs(uuid: RktUuid, end: End | undefined): number {
    const { bootId, clock } = this.#options;
    if (end?.finished?.bootId === bootId) return end.finished.uptimeMs;
    if (end?.finished === undefined && this.#units.has(uuid)) {
      // A unit file outlives no boot, so it was in this one; the marker could not be written, as on a full disk.
      const seenMs = this.#endsSeenMs.get(uuid) ?? clock.nowMs();
      this.#endsSeenMs.set(uuid, seenMs);
      return seenMs;
    }
    return end === undefined ? 0 : Math.min(0, end.markedAtMs - clock.wallMs());
  }

  async #end(uid: PodUid, uuid: RktUuid): Promise<End | undefined> {
    const marker = await this.#options.directories.finished(uid, uuid);
    return marker && { markedAtMs: marker.writtenAtMs, finished: parseFinished(marker.text) };
  }

  /** Why a pod's unit ended before its apps started: what rkt said last. */
  async #failure(uuid: RktUuid, end: End | undefined, signal: AbortSignal): Promise<Failure> {
    const known = this.#failures.get(uuid);
    if (known !== undefined) return known;
    const messages = await lastMessages(podUnitName(uuid), 3, signal).catch(() => []);
    const how = end?.finished === undefined ? "" : ` (${end.finished.serviceResult})`;
    const message = messages.length > 0 ? messages.join("; ") : `its unit ended${how}`;
    const failure: Failure = { reason: "RunContainerError", message: `Cannot start the pod: ${message}` };
    // The journal may be a moment behind, so that it said nothing is not kept.
    if (messages.length > 0) this.#failures.set(uuid, failure);
    return failure;
  }
}

interface Seen {
  readonly uuid: RktUuid;
  readonly mark: Mark;
  readonly pod: RktPod | undefined;
  readonly unit: UnitState | undefined;
}

/** What the finish marker tells. */
interface End {
  /** Milliseconds since the epoch. */
  readonly markedAtMs: number;
  /** Undefined where a crash of the machine left an empty marker. */
  readonly finished: Finished | undefined;
}

/** systemd runs or stops it, so that there is no end to look for: two files less to read for each pod in each look. */
function isUp(unit: UnitState | undefined): boolean {
  return !["inactive", "failed", undefined].includes(unit?.activeState);
}

/** The unit decides what runs, as systemd stops and counts by it; rkt decides where there is no unit. */
function stateKind(
  unit: UnitState | undefined,
  pod: RktPod | undefined,
  hasFinished: boolean,
): RevisionState["kind"] {
  switch (unit?.activeState) {
    case "active":
    case "activating":
    case "reloading":
      return "running";
    case "deactivating":
      return "stopping";
    default:
  }
  if (pod?.state === "running") return "running";
  if (pod?.state === "prepared" && unit?.activeState !== "failed" && !hasFinished) return "prepared";
  return "exited";
}

function observedApps(pod: RktPod, state: RevisionState, end: End | undefined): readonly ObservedApp[] {
  return pod.apps.map((app) => {
    const { name, imageId } = app;
    if (state.kind === "exited") {
      const exitCode = exitCodeOf(app, pod, state, end?.finished);
      // Not rkt's time, which is that of its garbage collection.
      return {
        name,
        imageId,
        state: { kind: "exited", exitCode, finishedAtMs: end?.markedAtMs, message: "" },
      };
    }
    if (app.exitCode !== undefined || app.state === "exited") {
      const { exitCode } = app;
      return { name, imageId, state: { kind: "exited", exitCode, finishedAtMs: undefined, message: "" } };
    }
    return { name, imageId, state: { kind: app.state === "running" ? "running" : "created" } };
  });
}

function exitCodeOf(
  { exitCode }: RktApp,
  { apps, startedAtMs }: RktPod,
  { isStopped }: Extract<RevisionState, { kind: "exited" }>,
  finished: Finished | undefined,
): number | undefined {
  // A shutdown, or a stop by hand: rkt's 0 is then no word of the app's, and must not make the Pod a completed one.
  if (finished?.isStopRequested && !isStopped) return exitCode === 0 ? undefined : exitCode;
  // The fly stage1 keeps no code, but the unit's main process is its only app.
  const isMainProcess = apps.length === 1 && startedAtMs !== undefined && finished?.exitCode === "exited";
  return exitCode ?? (isMainProcess ? Number(finished.exitStatus) : undefined);
}

function markOfUnit(unit: PodUnit): Mark {
  return {
    podUid: unit.pod.uid,
    key: podKey(unit.pod.namespace, unit.pod.name),
    specHash: unit.specHash,
    manifest: unit.manifest,
    restartCount: unit.restartCount,
    backOffMs: unit.backOffMs,
  };
}
