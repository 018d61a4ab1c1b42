// The runtime port made of rkt and systemd: a revision is one rkt pod, prepared by rkt and run by a unit of its own.
// Invariant: the unit file is written last and removed first, and what was made can be found without it: by its record, or rkt's own list.

import { readFile, rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { errorChain } from "../host/error.ts";
import { type PodUid, podSliceName, podUnitName, type RktUuid, type UnitName } from "../pod/names.ts";
import type { Observation, Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { type Attempt, type Runtime, RuntimeError, type Stop } from "../reconcile/runtime.ts";
import type { RktClient } from "../rkt/rkt-client.ts";
import { parsePodUnit } from "../systemd/pod-unit.ts";
import type { Systemd } from "../systemd/systemd.ts";
import { acceptPod } from "./accept-pod.ts";
import type { Observer } from "./observe.ts";
import { type PostStartParts, postStart } from "./post-start.ts";
import { asRuntimeError, type PrepareParts, prepareRevision } from "./prepare-revision.ts";
import { type StopParts, stopRevision } from "./stop-revision.ts";

const startTimeoutMs = 60_000;
const sliceTimeoutMs = 30_000;
/** `rkt gc` keeps what is younger, so it takes only what nobody can use any more. */
const centuryMs = 100 * 365 * 24 * 3_600_000;
const leftoversTimeoutMs = 60_000;

export interface RktRuntimeOptions extends Omit<PrepareParts, "removeLeftovers">, StopParts, PostStartParts {
  readonly rkt: RktClient;
  readonly systemd: Systemd;
  readonly observer: Observer;
  /** A real rkt gives no sign when a pod's apps run; the engine's apps are units and do. */
  readonly isBuiltin: boolean;
}

export class RktRuntime implements Runtime {
  readonly #options: RktRuntimeOptions;

  constructor(options: RktRuntimeOptions) {
    this.#options = options;
  }

  observe(signal: AbortSignal): Promise<Observation> {
    return this.#options.observer.observe(signal);
  }

  prepare(pod: Pod, attempt: Attempt, signal: AbortSignal): Promise<RktUuid> {
    const parts = { ...this.#options, removeLeftovers: () => this.removeLeftovers() };
    return prepareRevision(pod, attempt, parts, signal);
  }

  async start(uuid: RktUuid, signal: AbortSignal): Promise<void> {
    const { systemd, isBuiltin } = this.#options;
    await this.#noteStart(uuid).catch(() => undefined); // then it counts from its preparation
    try {
      await systemd.startUnit(podUnitName(uuid), { timeoutMs: startTimeoutMs, signal });
    } catch (error) {
      throw new RuntimeError("RunContainerError", `Cannot start the pod's unit: ${errorChain(error)}`);
    }
    if (!isBuiltin) await this.#waitUntilRunning(uuid, signal);
  }

  /** Its time begins now, and not while what it replaces still ends. */
  async #noteStart(uuid: RktUuid): Promise<void> {
    const { directories, unitDir, clock } = this.#options;
    const unit = parsePodUnit(await readFile(`${unitDir}/${podUnitName(uuid)}`, "utf8"));
    if (unit) await directories.setStarted(unit.pod.uid, uuid, clock.nowMs());
  }

  /** A stage1 takes up to a second to start its apps. Whatever keeps it from that is for the next look to tell. */
  async #waitUntilRunning(uuid: RktUuid, signal: AbortSignal): Promise<void> {
    for (let tries = 0; tries < 50 && !signal.aborted; tries++) {
      const pod = await this.#options.rkt.status(uuid, signal).catch(() => undefined);
      if (pod === undefined || pod.state !== "prepared") return;
      await setTimeout(100, undefined, { signal }).catch(() => undefined);
    }
  }

  async refresh(pod: Pod): Promise<void> {
    await acceptPod(pod, this.#options);
    await this.#options.files.refresh(pod);
  }

  postStart(pod: Pod, revision: Revision, signal: AbortSignal): Promise<void> {
    return postStart(pod, revision, this.#options, signal);
  }

  async markReady(pod: Pod, { podUid, uuid }: Revision): Promise<void> {
    const { directories } = this.#options;
    await directories.setGood(podUid, pod);
    await directories.mark(podUid, uuid, "ready");
  }

  stop(revision: Revision, stop: Stop, signal: AbortSignal): Promise<void> {
    return stopRevision(revision, stop, this.#options, signal);
  }

  async remove(revision: Revision, signal: AbortSignal): Promise<void> {
    const { systemd, rkt, directories, garbage, unitDir } = this.#options;
    const { uuid, podUid } = revision;
    try {
      // A pod that is being started is merely prepared to rkt, which would remove it.
      const [unit] = await systemd.listUnits([podUnitName(uuid)], signal);
      if (unit !== undefined && !["inactive", "failed"].includes(unit.activeState))
        throw new Error(`its unit is ${unit.activeState}`);
      // First: with it but without the rest there would seem to be a revision that has just failed, and nobody knows how.
      await rm(`${unitDir}/${podUnitName(uuid)}`, { force: true });
      await rkt.remove(uuid, signal);
      garbage.noteChange();
      await systemd.resetFailed(podUnitName(uuid), signal);
      await directories.removeTraces(podUid, uuid);
    } catch (error) {
      throw new RuntimeError("FailedKillPod", `Cannot remove rkt pod ${uuid}: ${errorChain(error)}`);
    }
  }

  /**
   * What a prepare or a remove left that was broken off, as by a kill. Only of our own data directory: a real rkt's is everybody's,
   * and rkt-gc(8) sees to it. Not to be canceled, as that is what leaves such things; it has a deadline. Resolves with a line for each thing
   * that could not be removed.
   */
  async removeLeftovers(): Promise<readonly string[]> {
    if (!this.#options.isBuiltin) return [];
    const deadline = AbortSignal.timeout(leftoversTimeoutMs);
    return this.#options.rkt.gc({ graceMs: centuryMs, expirePreparedMs: centuryMs }, deadline);
  }

  async removePodDirectory(uid: PodUid, signal: AbortSignal): Promise<void> {
    const remove = async () => {
      await this.#stopSlice(podSliceName(uid), signal);
      await this.#options.directories.remove(uid);
    };
    await remove().catch(asRuntimeError("FailedKillPod", "remove the pod's directory"));
  }

  /** systemd keeps a slice, and its cgroups, until it is told to end it; and with it would end whoever else has a unit in it. */
  async #stopSlice(slice: UnitName, signal: AbortSignal): Promise<void> {
    const { systemd } = this.#options;
    const { RequiredBy: units } = await systemd.unitProperties(slice, "Unit", ["RequiredBy"], signal);
    if (Array.isArray(units) && units.length === 0)
      await systemd.stopUnit(slice, { timeoutMs: sliceTimeoutMs, signal });
  }
}
