// The runtime port made of rkt and systemd: a revision is one rkt pod, prepared by rkt and run by a unit of its own.
// Invariant: the unit file is written last and removed last, so that whatever rkt pod has been made can be found again.

import { rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import type { Clock } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import { writeFileAtomic } from "../host/files.ts";
import type { PodUid, RktUuid } from "../pod/names.ts";
import { podUnitName } from "../pod/names.ts";
import type { Observation, Reason, Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { type Attempt, type Runtime, RuntimeError, type Stop } from "../reconcile/runtime.ts";
import type { PrepareOptions, RktClient } from "../rkt/rkt-client.ts";
import { RktError } from "../rkt/rkt-error.ts";
import { podUnitText } from "../systemd/pod-unit.ts";
import type { Systemd } from "../systemd/systemd.ts";
import type { ImageGarbage } from "./image-garbage.ts";
import type { Images } from "./images.ts";
import type { Observer } from "./observe.ts";
import type { PodDirectories } from "./pod-directory.ts";
import type { PodFiles } from "./pod-files.ts";
import { checkWishes, podPrepareOptions, podRun, translatePod } from "./translation.ts";

const startTimeoutMs = 60_000;
/** How much longer than its grace period a stop may take: two units one after the other, each killed at the end. */
const stopMarginMs = 30_000;
/** Where the unit file, which says it, is gone: systemd's own default. */
const graceSecondsUnknown = 90;
/** `rkt gc` keeps what is younger, so it takes only what nobody can use any more. */
const centuryMs = 100 * 365 * 24 * 3_600_000;
const leftoversTimeoutMs = 60_000;

export interface RktRuntimeOptions {
  readonly rkt: RktClient;
  readonly systemd: Systemd;
  readonly observer: Observer;
  readonly directories: PodDirectories;
  readonly files: PodFiles;
  readonly images: Images;
  readonly garbage: Pick<ImageGarbage, "collect" | "noteChange">;
  readonly unitDir: string;
  /** rkt's `--net` for pods without hostNetwork. */
  readonly network: string;
  /** Both empty: rkt's own. */
  readonly stage1Name: string;
  readonly stage1Path: string;
  readonly clock: Clock;
  /** A real rkt gives no sign when a pod's apps run; the engine's apps are units and do. */
  readonly isBuiltin: boolean;
  /** Why a pod cannot have process ids of its own and so is refused; undefined: it is not. */
  readonly missingPids: () => string | undefined;
}

export class RktRuntime implements Runtime {
  readonly #options: RktRuntimeOptions;

  constructor(options: RktRuntimeOptions) {
    this.#options = options;
  }

  observe(signal: AbortSignal): Promise<Observation> {
    return this.#options.observer.observe(signal);
  }

  async prepare(pod: Pod, attempt: Attempt, signal: AbortSignal): Promise<RktUuid> {
    const { directories, files, garbage, rkt, isBuiltin, stage1Name, stage1Path } = this.#options;
    await checkWishes(pod, { rkt, isBuiltin, missingPids: this.#options.missingPids() }, signal);
    await directories.create(pod).catch(asRuntimeError("CreateContainerError", "make the pod's directory"));
    const { environment, mounts, messages } = await files.setUp(pod);
    using images = await this.#options.images.ensure(pod, signal);
    garbage.noteChange();
    const stage1 = { name: stage1Name, path: stage1Path };
    const source = { pod, images: images.byContainer, mounts, environment, attempt, isBuiltin, stage1 };
    const manifest = translatePod(source);
    const options = await podPrepareOptions(pod, stage1);
    const uuid = await this.#rktPrepare(pod, { manifest: JSON.stringify(manifest), ...options }, signal);
    try {
      await directories.setMessageFiles(pod.uid, uuid, messages);
      await this.#writeUnit(pod, attempt, { uuid, signal });
    } catch (error) {
      await rkt.remove(uuid, signal).catch(() => undefined);
      await directories.removeMarkers(pod.uid, uuid).catch(() => undefined);
      throw new RuntimeError("CreateContainerError", `Cannot write the pod's unit: ${errorChain(error)}`);
    }
    return uuid;
  }

  async #rktPrepare(
    pod: Pod,
    { manifest, ...options }: PrepareOptions & { readonly manifest: string },
    signal: AbortSignal,
  ): Promise<RktUuid> {
    const { directories, rkt, images, garbage } = this.#options;
    const file = `${directories.path(pod.uid)}/pod-manifest.json`;
    try {
      await writeFileAtomic(file, manifest, 0o600);
      return await rkt.prepare(file, options, signal);
    } catch (error) {
      images.forget();
      if (error instanceof RktError && error.isDiskFull) void garbage.collect();
      await this.removeLeftovers().catch(() => undefined); // the next agent does, then
      throw new RuntimeError("CreateContainerError", `Cannot prepare the pod: ${errorChain(error)}`);
    } finally {
      await rm(file, { force: true });
    }
  }

  async #writeUnit(
    pod: Pod,
    attempt: Attempt,
    { uuid, signal }: { readonly uuid: RktUuid; readonly signal: AbortSignal },
  ): Promise<void> {
    const { rkt, directories, network, unitDir, clock, isBuiltin } = this.#options;
    const { hostNetwork } = pod.spec;
    const text = podUnitText({
      uuid,
      pod: { uid: pod.uid, name: pod.name, namespace: pod.namespace, hostNetwork },
      restartCount: attempt.restartCount,
      backOffMs: attempt.backOffMs,
      preparedMs: clock.nowMs(),
      specHash: pod.specHash,
      manifest: pod.source.file,
      ...(await podRun(pod, { uuid, rkt, network, isBuiltin }, signal)),
      finishedFile: directories.finishedFile(pod.uid, uuid),
      graceSeconds: pod.spec.terminationGracePeriodSeconds,
    });
    await writeFileAtomic(`${unitDir}/${podUnitName(uuid)}`, text);
  }

  async start(uuid: RktUuid, signal: AbortSignal): Promise<void> {
    const { systemd, isBuiltin } = this.#options;
    try {
      await systemd.startUnit(podUnitName(uuid), { timeoutMs: startTimeoutMs, signal });
    } catch (error) {
      throw new RuntimeError("RunContainerError", `Cannot start the pod's unit: ${errorChain(error)}`);
    }
    if (!isBuiltin) await this.#waitUntilRunning(uuid, signal);
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
    await this.#options.files.refresh(pod);
  }

  async postStart(): Promise<void> {}

  async markReady(): Promise<void> {}

  async stop({ uuid, podUid }: Revision, _stop: Stop, signal: AbortSignal): Promise<void> {
    const { systemd, rkt, observer, directories } = this.#options;
    const unit = observer.podUnit(uuid);
    // A pod can be stopped on a full disk too: the marker is for a Pod that is wanted again as it was.
    await directories.markStopped(podUid, uuid).catch(() => undefined);
    try {
      // Also without its file a unit may be there.
      const timeoutMs = 2 * (unit?.graceSeconds ?? graceSecondsUnknown) * 1000 + stopMarginMs;
      await systemd.stopUnit(podUnitName(uuid), { timeoutMs, signal });
      if (unit === undefined) await rkt.stop(uuid, { force: false }, signal);
    } catch (error) {
      throw new RuntimeError("FailedKillPod", `Cannot stop rkt pod ${uuid}: ${errorChain(error)}`);
    }
  }

  async remove(revision: Revision, signal: AbortSignal): Promise<void> {
    const { systemd, rkt, directories, garbage, unitDir } = this.#options;
    const { uuid, podUid } = revision;
    try {
      // A pod that is being started is merely prepared to rkt, which would remove it.
      const [unit] = await systemd.listUnits([podUnitName(uuid)], signal);
      if (unit !== undefined && !["inactive", "failed"].includes(unit.activeState))
        throw new Error(`its unit is ${unit.activeState}`);
      await rkt.remove(uuid, signal);
      garbage.noteChange();
      await systemd.resetFailed(podUnitName(uuid), signal);
      await directories.removeMarkers(podUid, uuid);
      await rm(`${unitDir}/${podUnitName(uuid)}`, { force: true });
    } catch (error) {
      throw new RuntimeError("FailedKillPod", `Cannot remove rkt pod ${uuid}: ${errorChain(error)}`);
    }
  }

  /**
   * What a prepare or a remove left that was broken off, as by a kill. Only of our own data directory: a real rkt's is everybody's,
   * and rkt-gc(8) sees to it. Not to be canceled, as that is what leaves such things; it has a deadline.
   */
  async removeLeftovers(): Promise<void> {
    if (!this.#options.isBuiltin) return;
    const deadline = AbortSignal.timeout(leftoversTimeoutMs);
    await this.#options.rkt.gc({ graceMs: centuryMs, expirePreparedMs: centuryMs }, deadline);
  }

  async removePodDirectory(uid: PodUid): Promise<void> {
    const { directories } = this.#options;
    await directories.remove(uid).catch(asRuntimeError("FailedKillPod", "remove the pod's directory"));
  }
}

function asRuntimeError(reason: Reason, what: string): (error: unknown) => never {
  return (error) => {
    throw new RuntimeError(reason, `Cannot ${what}: ${errorChain(error)}`);
  };
}
