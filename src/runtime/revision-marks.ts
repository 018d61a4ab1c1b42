// Which rkt pods and units are ours, and what each was made for: from its unit file or, where that is gone (a reboot), from its record in the
// pod's directory or its pod manifest. Invariant: what could not be found out is not somebody else's.

import { readdir } from "node:fs/promises";
import { errorChain } from "../host/error.ts";
import { readTextIfExists } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import { podKeyOf, podUnitName, type RktUuid, uuidOfPodUnit } from "../pod/names.ts";
import { type Ownership, ownershipOf } from "../rkt/ownership.ts";
import type { RktClient } from "../rkt/rkt-client.ts";
import { RktError } from "../rkt/rkt-error.ts";
import type { RktPod, RktPodState } from "../rkt/rkt-pod.ts";
import { type PodUnit, parsePodUnit } from "../systemd/pod-unit.ts";
import type { RevisionTraces } from "./revision-record.ts";

/** Not made yet, or never started and on its way out (rkt, Documentation/devel/pod-lifecycle.md). */
const notThere: readonly RktPodState[] = ["embryo", "preparing", "aborted prepare", "garbage", "deleting"];

export interface RevisionMarksOptions {
  readonly rkt: Pick<RktClient, "catManifest">;
  readonly unitDir: string;
  readonly log: Log;
}

export class RevisionMarks {
  readonly #options: RevisionMarksOptions;
  /** Neither changes once written: each is read once. */
  readonly #units = new Map<RktUuid, PodUnit | undefined>();
  readonly #marks = new Map<RktUuid, Ownership | undefined>();
  /** Pods whose manifest rkt does not print: others', as ours are marked elsewhere too. */
  readonly #unreadable = new Set<RktUuid>();

  constructor({ rkt, unitDir, log }: RevisionMarksOptions) {
    this.#options = { rkt, unitDir, log };
  }

  /** The pod unit's file, if there is one and it is ours. */
  unit(uuid: RktUuid): PodUnit | undefined {
    return this.#units.get(uuid);
  }

  /** Of all that is ours. */
  get all(): readonly (readonly [RktUuid, Ownership])[] {
    return [...this.#marks].flatMap(([uuid, mark]) => (mark === undefined ? [] : [[uuid, mark] as const]));
  }

  /** Reads the unit files that are new and forgets those that are gone. */
  async readUnits(): Promise<void> {
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

  /**
   * Finds out which rkt pods and units are ours; asks rkt once for each pod of which neither a unit file nor a record tells. Resolves with
   * all that is there, ours or not.
   */
  async read(
    pods: readonly RktPod[],
    traces: ReadonlyMap<RktUuid, RevisionTraces>,
    signal: AbortSignal,
  ): Promise<ReadonlySet<RktUuid>> {
    const made = pods.filter(({ state }) => !notThere.includes(state));
    // Removed from rkt by somebody, and perhaps before a reboot: that it has ended the pod's directory still tells.
    const ended = [...traces].flatMap(([uuid, { finished, record }]) =>
      finished && record?.mark ? uuid : [],
    );
    const present = new Set([...made.map(({ uuid }) => uuid), ...this.#units.keys(), ...ended]);
    for (const known of [this.#marks, this.#unreadable])
      for (const uuid of known.keys()) if (!present.has(uuid)) known.delete(uuid);
    // What is on its way out has no manifest that can be relied on.
    const leaving = new Set(made.filter(({ state }) => state === "exited deleting").map(({ uuid }) => uuid));
    for (const uuid of present) {
      if (this.#marks.has(uuid)) continue;
      await this.#readUnit(uuid); // it may have been written after the look at the others
      const unit = this.#units.get(uuid);
      const mark = unit === undefined ? traces.get(uuid)?.record?.mark : markOfUnit(unit);
      if (mark !== undefined) this.#marks.set(uuid, mark);
      else if (!this.#units.has(uuid) && !leaving.has(uuid)) await this.#readMarkOfPod(uuid, signal);
    }
    return present;
  }

  async #readMarkOfPod(uuid: RktUuid, signal: AbortSignal): Promise<void> {
    try {
      this.#marks.set(uuid, ownershipOf(await this.#options.rkt.catManifest(uuid, signal)));
    } catch (error) {
      if (!(error instanceof RktError)) throw error;
      if (error.isNotFound) return; // it was removed after it was listed
      if (!error.isRefusal) throw error;
      if (!this.#unreadable.has(uuid))
        this.#options.log.warn("A pod that rkt can't describe is taken for somebody else's", {
          uuid,
          error: errorChain(error),
        });
      this.#unreadable.add(uuid);
    }
  }
}

function markOfUnit({
  pod,
  specHash,
  manifest,
  restartCount,
  backOffMs,
  stage,
  networkOf,
}: PodUnit): Ownership {
  const key = podKeyOf(pod);
  return { podUid: pod.uid, key, specHash, manifest, restartCount, backOffMs, stage, networkOf };
}
