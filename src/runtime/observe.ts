// One look at the machine: rkt's pods, systemd's units, our unit files and the pods' directories, joined to revisions.
// Invariants: a look that fails in any part throws (could not observe is not absent); what does not carry our mark is left out.

import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { podUnitGlob, podUnitName, type RktUuid } from "../pod/names.ts";
import type { Failure, Observation, Revision, RevisionState } from "../pod/observed-pod.ts";
import type { Ownership } from "../rkt/ownership.ts";
import type { RktClient } from "../rkt/rkt-client.ts";
import { ipOf, type RktPod } from "../rkt/rkt-pod.ts";
import { lastMessages } from "../systemd/journal.ts";
import { type PodUnit, parseFinished } from "../systemd/pod-unit.ts";
import type { Systemd, UnitState } from "../systemd/systemd.ts";
import type { DirectoryLook } from "./directory-look.ts";
import type { PodDirectories } from "./pod-directory.ts";
import { RevisionMarks } from "./revision-marks.ts";
import { noTraces, type RevisionTraces } from "./revision-record.ts";
import {
  type End,
  hasStarted,
  isStopOf,
  isUp,
  observedApps,
  removedApps,
  stateKind,
} from "./revision-state.ts";
import type { TerminationMessages } from "./termination-message.ts";

export interface ObserverOptions {
  readonly rkt: Pick<RktClient, "listPods" | "catManifest">;
  readonly systemd: Pick<Systemd, "listUnits">;
  readonly directories: PodDirectories;
  readonly messages: TerminationMessages;
  readonly unitDir: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class Observer {
  readonly #options: ObserverOptions;
  readonly #marks: RevisionMarks;
  /** Never change: each is looked for once. */
  readonly #failures = new Map<RktUuid, Failure>();
  /** When an end of which no marker tells was first seen, on the monotonic clock. */
  readonly #endsSeenMs = new Map<RktUuid, number>();
  /** When the Pod's life began, where that was in an earlier boot. */
  readonly #activeSinceMs = new Map<RktUuid, number>();
  /** Undefined before the first look. */
  #revisions: readonly Revision[] | undefined;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#marks = new RevisionMarks(options);
  }

  /** The pod unit's file, if there is one and it is ours. */
  podUnit(uuid: RktUuid): PodUnit | undefined {
    return this.#marks.unit(uuid);
  }

  /** As the last look has found them. */
  get revisions(): readonly Revision[] {
    return this.#revisions ?? [];
  }

  async observe(signal: AbortSignal): Promise<Observation> {
    const { rkt, systemd, directories } = this.#options;
    // In this order: of what has ended by systemd's word there is the marker, and rkt has the exit codes; and of what is being removed, whose
    // unit file goes first, no unit is seen without the rest.
    const states = await systemd.listUnits([podUnitGlob], signal);
    const looks = await directories.look();
    await this.#marks.readUnits();
    const pods = await rkt.listPods(signal);
    const podByUuid = new Map(pods.map((pod) => [pod.uuid, pod]));
    const stateByName = new Map(states.map((state) => [state.name, state]));
    const traces = new Map(looks.flatMap(({ revisions }) => [...revisions]));
    const present = await this.#marks.read(pods, traces, signal);
    this.#forgetAllBut(present);
    await this.#removeOrphans(looks, present);

    const revisions: Revision[] = [];
    for (const [uuid, mark] of this.#marks.all) {
      const ofUuid = { uuid, mark, traces: traces.get(uuid) ?? noTraces };
      const seen = { ...ofUuid, pod: podByUuid.get(uuid), unit: stateByName.get(podUnitName(uuid)) };
      revisions.push(await this.#revision(seen, signal));
    }
    this.#revisions = revisions;
    return { revisions, podDirectories: looks.map(toPodDirectory) };
  }

  /**
   * What is kept of a revision whose removal the machine's end has broken off. The directories were read before rkt's list was: what was
   * being prepared then is in that.
   */
  async #removeOrphans(looks: readonly DirectoryLook[], present: ReadonlySet<RktUuid>): Promise<void> {
    for (const { uid, revisions } of looks)
      for (const uuid of revisions.keys())
        if (!present.has(uuid)) await this.#options.directories.removeTraces(uid, uuid);
  }

  #forgetAllBut(present: ReadonlySet<RktUuid>): void {
    this.#options.messages.forgetAllBut(present);
    for (const known of [this.#failures, this.#endsSeenMs, this.#activeSinceMs])
      for (const uuid of known.keys()) if (!present.has(uuid)) known.delete(uuid);
  }

  async #revision(seen: Seen, signal: AbortSignal): Promise<Revision> {
    const { uuid, mark, pod, traces } = seen;
    const end = isUp(seen.unit) ? undefined : endOf(traces);
    const state = await this.#state(seen, end, signal);
    if (this.#revisions === undefined && state.kind === "running") await this.#forgetBrokenOffStop(seen);
    const { record } = traces;
    const apps =
      pod === undefined ? removedApps(record?.apps ?? [], state, end) : observedApps(pod, state, end);
    const source = { uid: mark.podUid, uuid, files: record };
    return {
      uuid,
      ...mark,
      activeSinceMs: this.#activeSince(seen),
      startedMs: state.kind === "prepared" ? undefined : this.#startedMs(seen),
      state,
      isPostStarted: traces.isPostStarted || record?.hasPostStart !== true,
      wasReady: traces.wasReady,
      apps: await this.#options.messages.addTo(apps, source, signal),
      podIP: pod === undefined ? "" : ipOf(pod),
      createdAtMs: pod?.createdAtMs ?? 0,
      startedAtMs: pod?.startedAtMs,
    };
  }

  /** The agent before us ended while preStop hooks ran. What the pod does from now on is its own doing. */
  async #forgetBrokenOffStop({ uuid, mark, traces: { stopped, killed } }: Seen): Promise<void> {
    if (stopped?.hasHooks || killed?.hasHooks) await this.#options.directories.unmarkStop(mark.podUid, uuid);
  }

  async #state(seen: Seen, end: End | undefined, signal: AbortSignal): Promise<RevisionState> {
    const { uuid, pod, traces } = seen;
    const kind = stateKind(seen.unit, pod, end !== undefined);
    if (kind !== "exited") return { kind };
    const finishedMs = this.#finishedMs(seen, end);
    const isStarted = hasStarted(pod, traces.record, end);
    const isStopped = isStopOf(traces.stopped, end);
    const killed = isStopOf(traces.killed, end) ? traces.killed : undefined;
    const isFromOutside = end?.finished === undefined ? finishedMs <= 0 : end.finished.isStopRequested;
    return {
      kind,
      finishedAtMs: end?.markedAtMs,
      finishedMs,
      ranForMs: isStarted ? this.#ranForMs(seen, end, finishedMs) : 0,
      isStopped,
      isInterrupted: isFromOutside && !isStopped && killed === undefined,
      killed: killed && { reason: killed.reason, message: killed.message },
      failure: isStarted ? undefined : await this.#failure(uuid, end, signal),
    };
  }

  /**
   * On this boot's clock; not above 0 for an end in an earlier boot, of which only the wall clock tells: without a marker it was not before
   * the start.
   */
  #finishedMs({ uuid, traces }: Seen, end: End | undefined): number {
    const { bootId, clock } = this.#options;
    if (end?.finished?.bootId === bootId) return end.finished.uptimeMs;
    if (end?.finished === undefined && this.#marks.unit(uuid) !== undefined) {
      // A unit file outlives no boot, so it was in this one; the marker could not be written, as on a full disk.
      const seenMs = this.#endsSeenMs.get(uuid) ?? clock.nowMs();
      this.#endsSeenMs.set(uuid, seenMs);
      return seenMs;
    }
    const wallMs = clock.wallMs();
    return Math.min(0, (end?.markedAtMs ?? startedAtMs(traces) ?? wallMs) - wallMs);
  }

  /** 0 where its boot is over and its end, or its start, is not known. */
  #ranForMs(seen: Seen, end: End | undefined, finishedMs: number): number {
    const startedMs = this.#startedMs(seen);
    if (startedMs !== undefined) return Math.max(0, finishedMs - startedMs);
    const { record, startedMs: startedThenMs } = seen.traces;
    if (record?.start === undefined || end?.finished?.bootId !== record.start.bootId) return 0;
    return end.finished.uptimeMs - (startedThenMs ?? record.start.preparedMs);
  }

  /** In this boot. */
  #startedMs({ uuid, traces: { record, startedMs } }: Seen): number | undefined {
    const isOfThisBoot = record?.start?.bootId === this.#options.bootId;
    const preparedMs =
      this.#marks.unit(uuid)?.preparedMs ?? (isOfThisBoot ? record.start?.preparedMs : undefined);
    return preparedMs && (startedMs ?? preparedMs);
  }

  #activeSince({ uuid, traces: { record, startedMs } }: Seen): number {
    const { bootId, clock } = this.#options;
    const start = record?.start;
    if (start === undefined) return this.#marks.unit(uuid)?.preparedMs ?? 0;
    // Written when it was prepared, which a life that began with it did not.
    const isFirst = start.activeSinceMs === start.preparedMs;
    const sinceMsThen = (isFirst ? startedMs : undefined) ?? start.activeSinceMs;
    if (start.bootId === bootId) return sinceMsThen;
    const known = this.#activeSinceMs.get(uuid);
    if (known !== undefined) return known;
    const agoMs = clock.wallMs() - start.preparedAtMs + (start.preparedMs - sinceMsThen);
    const sinceMs = Math.min(-1, clock.nowMs() - agoMs);
    this.#activeSinceMs.set(uuid, sinceMs);
    return sinceMs;
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
  /** What it was made for: from its unit file or, where that is gone (a reboot), its record or its pod manifest. */
  readonly mark: Ownership;
  readonly traces: RevisionTraces;
  readonly pod: RktPod | undefined;
  readonly unit: UnitState | undefined;
}

/** Milliseconds since the epoch. */
function startedAtMs({ record, startedMs }: RevisionTraces): number | undefined {
  const { start } = record ?? {};
  return start && start.preparedAtMs + ((startedMs ?? start.preparedMs) - start.preparedMs);
}

function endOf({ finished }: RevisionTraces): End | undefined {
  return finished && { markedAtMs: finished.writtenAtMs, finished: parseFinished(finished.text) };
}

function toPodDirectory({ revisions: _revisions, ...directory }: DirectoryLook) {
  return directory;
}
