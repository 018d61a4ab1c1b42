// One look at the machine: rkt's pods, systemd's units and our unit files, joined to revisions.
// Invariants: a look that fails in any part throws (could not observe is not absent); what does not carry our mark is left out.

import { readdir, readFile } from "node:fs/promises";
import type { Clock } from "../host/clock.ts";
import { hasErrorCode } from "../host/error.ts";
import { type PodUid, podKey, podUnitName, type RktUuid, uuidOfPodUnit } from "../pod/names.ts";
import type { Failure, Observation, ObservedApp, Revision, RevisionState } from "../pod/observed-pod.ts";
import { type Ownership, ownershipOf } from "../rkt/ownership.ts";
import type { RktClient } from "../rkt/rkt-client.ts";
import type { RktPod } from "../rkt/rkt-pod.ts";
import { lastMessages } from "../systemd/journal.ts";
import { type Finished, type PodUnit, parseFinished, parsePodUnit } from "../systemd/pod-unit.ts";
import type { Systemd, UnitState } from "../systemd/systemd.ts";
import type { PodDirectories } from "./pod-directory.ts";

export interface ObserverOptions {
  readonly rkt: RktClient;
  readonly systemd: Systemd;
  readonly directories: PodDirectories;
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

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** The pod unit's file, if there is one and it is ours. */
  podUnit(uuid: RktUuid): PodUnit | undefined {
    return this.#units.get(uuid);
  }

  async observe(signal: AbortSignal): Promise<Observation> {
    const { rkt, systemd, directories } = this.#options;
    const [pods, states, , podDirectories] = await Promise.all([
      rkt.listPods(signal),
      systemd.listUnits(["gantry-*.service"], signal),
      this.#readUnits(),
      directories.list(),
    ]);
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
    for (const uuid of present) {
      if (this.#units.has(uuid)) continue;
      try {
        const text = await readFile(`${this.#options.unitDir}/${podUnitName(uuid)}`, "utf8");
        this.#units.set(uuid, parsePodUnit(text));
      } catch (error) {
        if (!hasErrorCode(error, "ENOENT")) throw error;
      }
    }
  }

  /** Finds out which rkt pods and units are ours; asks rkt once for each pod that has no unit file. */
  async #readMarks(pods: readonly RktPod[], signal: AbortSignal): Promise<void> {
    const ready = pods.filter(({ state }) => !["embryo", "preparing", "aborted prepare"].includes(state));
    const present = new Set([...ready.map(({ uuid }) => uuid), ...this.#units.keys()]);
    for (const map of [this.#marks, this.#failures]) {
      for (const uuid of map.keys()) if (!present.has(uuid)) map.delete(uuid);
    }
    for (const uuid of present) {
      if (this.#marks.has(uuid)) continue;
      const unit = this.#units.get(uuid);
      if (unit !== undefined) this.#marks.set(uuid, markOfUnit(unit));
      else if (!this.#units.has(uuid)) this.#marks.set(uuid, await this.#markOfPod(uuid, signal));
    }
  }

  async #markOfPod(uuid: RktUuid, signal: AbortSignal): Promise<Mark | undefined> {
    return ownershipOf(await this.#options.rkt.catManifest(uuid, signal));
  }

  async #revision(seen: Seen, signal: AbortSignal): Promise<Revision> {
    const { uuid, mark, pod } = seen;
    const state = await this.#state(seen, signal);
    return {
      uuid,
      key: mark.key,
      podUid: mark.podUid,
      specHash: mark.specHash,
      manifest: mark.manifest,
      restartCount: mark.restartCount,
      backOffMs: mark.backOffMs,
      state,
      apps: pod === undefined ? [] : observedApps(pod, state),
      podIP: pod?.networks.find(({ ip }) => ip !== "")?.ip ?? "",
      createdAtMs: pod?.createdAtMs ?? 0,
      startedAtMs: pod?.startedAtMs,
    };
  }

  async #state(seen: Seen, signal: AbortSignal): Promise<RevisionState> {
    const finished = await this.#finished(seen.mark.podUid, seen.uuid);
    const kind = stateKind(seen.unit, seen.pod, finished !== undefined);
    if (kind !== "exited") return { kind };
    const { clock } = this.#options;
    const finishedAtMs = finished?.writtenAtMs ?? lastFinish(seen.pod);
    const startedAtMs = seen.pod?.startedAtMs;
    return {
      kind,
      finishedAtMs,
      // Of an earlier boot only the wall clock tells; without a marker (power cut) the boot itself was the end.
      finishedMs:
        finished?.monotonicMs ??
        (finishedAtMs === undefined ? 0 : clock.nowMs() - Math.max(0, clock.wallMs() - finishedAtMs)),
      ranForMs: startedAtMs === undefined ? 0 : Math.max(0, (finishedAtMs ?? clock.wallMs()) - startedAtMs),
      isStopped: await this.#options.directories.isStopped(seen.mark.podUid, seen.uuid),
      failure: startedAtMs === undefined ? await this.#failure(seen, finished, signal) : undefined,
    };
  }

  async #finished(uid: PodUid, uuid: RktUuid): Promise<FinishTime | undefined> {
    const marker = await this.#options.directories.finished(uid, uuid);
    if (marker === undefined) return undefined;
    const finished = parseFinished(marker.text);
    const isThisBoot = finished?.bootId === this.#options.bootId;
    return {
      writtenAtMs: marker.writtenAtMs,
      finished,
      monotonicMs: isThisBoot ? finished.uptimeMs : undefined,
    };
  }

  /** Why a pod's unit ended before its apps started: what rkt said last. */
  async #failure(
    seen: Seen,
    finished: FinishTime | undefined,
    signal: AbortSignal,
  ): Promise<Failure | undefined> {
    const known = this.#failures.get(seen.uuid);
    if (known !== undefined) return known;
    const messages = await lastMessages(podUnitName(seen.uuid), 3, signal).catch(() => []);
    const result = finished?.finished?.serviceResult ?? "unknown";
    const message = messages.length > 0 ? messages.join("; ") : `the pod's unit ended (${result})`;
    const failure: Failure = { reason: "RunContainerError", message: `Cannot start the pod: ${message}` };
    this.#failures.set(seen.uuid, failure);
    return failure;
  }
}

interface Seen {
  readonly uuid: RktUuid;
  readonly mark: Mark;
  readonly pod: RktPod | undefined;
  readonly unit: UnitState | undefined;
}

interface FinishTime {
  readonly writtenAtMs: number;
  readonly finished: Finished | undefined;
  /** Undefined where the marker is of another boot. */
  readonly monotonicMs: number | undefined;
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

function observedApps(pod: RktPod, state: RevisionState): readonly ObservedApp[] {
  return pod.apps.map(({ name, imageId, ...app }) => {
    if (app.exitCode !== undefined || app.state === "exited" || state.kind === "exited") {
      return {
        name,
        imageId,
        state: { kind: "exited", exitCode: app.exitCode, finishedAtMs: app.finishedAtMs },
      };
    }
    return { name, imageId, state: { kind: app.state === "running" ? "running" : "created" } };
  });
}

function lastFinish(pod: RktPod | undefined): number | undefined {
  const times = pod?.apps.flatMap(({ finishedAtMs }) => finishedAtMs ?? []) ?? [];
  return times.length > 0 ? Math.max(...times) : undefined;
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
