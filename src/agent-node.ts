// The part of the composition root that measures: what the machine and its pods use, what it is short of, what the agent does.

import { hostAddress } from "./host/address.ts";
import type { Clock, Timers } from "./host/clock.ts";
import { KeptFile } from "./host/kept-file.ts";
import type { Log } from "./host/log.ts";
import { AgentMetrics, type AgentState } from "./node/agent-metrics.ts";
import { candidatesOf, hasLocalLimits, localExcesses } from "./node/candidates.ts";
import { DiskUsage } from "./node/disk-usage.ts";
import { nodeObject, readMachine } from "./node/machine.ts";
import { metricsText } from "./node/metric.ts";
import { nodeConditions } from "./node/node-condition.ts";
import { NodePressure } from "./node/node-pressure.ts";
import { processMetrics } from "./node/process-usage.ts";
import { resourceMetrics } from "./node/resource-metrics.ts";
import { Sampler } from "./node/sampler.ts";
import { readSignals } from "./node/signals.ts";
import { statsSummary } from "./node/summary.ts";
import { parseThresholds, type Resource } from "./node/threshold.ts";
import type { Desired } from "./pod/desired.ts";
import type { RecordEvent } from "./pod/event.ts";
import { podKeyOf } from "./pod/names.ts";
import { isLive } from "./pod/observed-pod.ts";
import type { Pod } from "./pod/pod.ts";
import { rfc3339 } from "./pod/time.ts";
import type { Prober } from "./probe/prober.ts";
import type { PassReport } from "./reconcile/reconciler.ts";
import type { Runtime } from "./reconcile/runtime.ts";
import type { RktClient } from "./rkt/rkt-client.ts";
import type { FetchedImages } from "./runtime/fetched-images.ts";
import type { ImageGarbage } from "./runtime/image-garbage.ts";
import { knownImages } from "./runtime/known-images.ts";
import { measuredRuntime } from "./runtime/measured-runtime.ts";
import type { PodDirectories } from "./runtime/pod-directory.ts";
import { runningPods } from "./runtime/running-pods.ts";
import { StuckThings } from "./runtime/stuck-things.ts";
import type { ImagesView } from "./server/images.ts";
import type { MetricsView } from "./server/metrics.ts";
import type { StatsView } from "./server/stats.ts";
import { runningPodList } from "./status/running-pods.ts";
import type { StatusStore } from "./status/store.ts";

export interface AgentNodeParts {
  readonly nodeName: string;
  readonly stateDir: string;
  readonly runDir: string;
  /** rkt's data directory. */
  readonly rktDir: string;
  readonly isBuiltin: boolean;
  readonly evictionHard: readonly string[];
  readonly directories: PodDirectories;
  readonly desired: () => Desired;
  readonly status: StatusStore;
  readonly probeCounts: () => Prober["counts"];
  /** Asks for a pass. */
  readonly wake: () => void;
  readonly record: RecordEvent;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly version: string;
}

/** What the last pass has seen. */
type Seen = Pick<Extract<PassReport, { kind: "observed" }>, "observation" | "desired">;

/** How long somebody who asks waits for what is on the disks to be counted. */
const diskWaitMs = 2000;
/** How long an eviction does: it is of no use without. */
const diskWaitMsForEviction = 60_000;

export class AgentNode implements Disposable {
  readonly metrics = new AgentMetrics();
  readonly stuck = new StuckThings();
  readonly pressure: NodePressure;
  readonly #parts: AgentNodeParts;
  readonly #disk: DiskUsage;
  readonly #sampler: Sampler;
  #evictionHard: string;
  #seen: Seen | undefined;
  #reclaimDisk: () => Promise<void> = async () => undefined;

  constructor(parts: AgentNodeParts) {
    this.#parts = parts;
    this.#evictionHard = parts.evictionHard.join();
    const { stateDir, runDir, rktDir: imageDir, clock, timers, record, log, wake } = parts;
    const delay = (ms: number) => new Promise<void>((resolve) => void timers.after(ms, resolve));
    this.#disk = new DiskUsage({ clock });
    this.#sampler = new Sampler({ disk: this.#disk, stateDir, imageDir, clock, delay });
    this.pressure = new NodePressure({
      thresholds: parseThresholds(parts.evictionHard).thresholds,
      readSignals: (wanted) => readSignals({ stateDir, imageDir }, wanted),
      candidates: (resource) => this.#candidates(resource),
      overLimit: () => this.#overLimit(),
      isLive: (key) =>
        this.#seen?.observation.revisions.some((one) => one.key === key && isLive(one)) ?? false,
      reclaimDisk: () => this.#reclaimDisk(),
      onChange: wake,
      onEviction: (signal) => this.metrics.countEviction(signal),
      memory: new KeptFile(`${runDir}/evictions.json`, log),
      ...{ record, clock, timers, log },
    });
  }

  /** The port, measured. `onAction` is told of every call that may have left something behind. */
  measure(runtime: Runtime, onAction: () => void): Runtime {
    const { stuck, metrics } = this;
    return measuredRuntime(runtime, {
      onOperation(operation) {
        metrics.countOperation(operation);
        if (operation.type !== "list_containers") onAction();
      },
      onLook: (seconds) => metrics.countLook(seconds),
      ...{ stuck, clock: this.#parts.clock },
    });
  }

  /** Looks at what the machine is short of from now on. */
  async start(garbage: ImageGarbage): Promise<void> {
    this.#reclaimDisk = () => garbage.collectAll();
    await this.pressure.start();
  }

  /** After a reload of the configuration. */
  setEvictionHard(texts: readonly string[]): void {
    if (texts.join() === this.#evictionHard) return;
    this.#evictionHard = texts.join();
    this.pressure.setThresholds(parseThresholds(texts).thresholds);
  }

  noteManifests(): void {
    const { desired, clock } = this.#parts;
    const wanted = desired().pods.map((pod) => ({ key: podKeyOf(pod), specHash: pod.specHash }));
    this.metrics.starts.noteWanted(wanted, clock.nowMs());
  }

  /** After the status has been brought up to date. */
  notePass(report: PassReport): void {
    this.metrics.countPass(report.reasons);
    if (report.kind !== "observed") return;
    this.#seen = report;
    this.metrics.starts.noteProgress(this.#progress(report), this.#parts.clock.nowMs());
    this.pressure.notePass();
  }

  get statsView(): StatsView {
    const { nodeName, stateDir, rktDir, version } = this.#parts;
    const machine = () => readMachine([...new Set([stateDir, rktDir])]);
    return {
      summary: async () => {
        const wanted = { rates: true, disk: AbortSignal.timeout(diskWaitMs) };
        return statsSummary(await this.#sampler.sample(this.#running(), wanted), nodeName);
      },
      machine,
      node: async () =>
        nodeObject({
          ...{ name: nodeName, address: hostAddress(), machine: await machine(), version },
          conditions: nodeConditions(this.pressure.states),
        }),
      nodeConditions: () => nodeConditions(this.pressure.states),
      stuck: () => this.stuck.list(),
      runningPods: () => runningPodList(this.#seen?.observation ?? { revisions: [] }),
    };
  }

  get metricsView(): MetricsView {
    return {
      agent: async () => metricsText([...this.metrics.families(this.#state()), ...processMetrics()]),
      resources: async () => {
        const wanted = { rates: false, disk: undefined };
        const sample = await this.#sampler.sample(this.#running(), wanted).catch(() => undefined);
        return metricsText(resourceMetrics(sample));
      },
    };
  }

  imagesView(rkt: Pick<RktClient, "listImages">, fetched: Pick<FetchedImages, "ids">): ImagesView {
    return {
      list: async (signal) => {
        const [images, ours] = await Promise.all([rkt.listImages(signal), fetched.ids()]);
        const { observation = { revisions: [], podDirectories: [] } } = this.#seen ?? {};
        const known = knownImages(images, { ours, observation, desired: this.#parts.desired() });
        return known.map(({ importedAtMs, lastUsedAtMs, ...image }) => ({
          ...image,
          importedAt: rfc3339(importedAtMs),
          lastUsedAt: rfc3339(lastUsedAtMs),
        }));
      },
    };
  }

  [Symbol.dispose](): void {
    this.pressure[Symbol.dispose]();
    this.#disk[Symbol.dispose]();
  }

  #running(pods?: readonly Pod[]) {
    if (this.#seen === undefined) return [];
    const { observation, desired } = this.#seen;
    const running = runningPods(observation, desired.pods, this.#parts);
    if (pods === undefined) return running;
    const uids = new Set(pods.map(({ uid }) => uid));
    return running.filter(({ uid }) => uids.has(uid));
  }

  async #candidates(resource: Resource) {
    const pods = this.#seen?.desired.pods ?? [];
    const isOfDisk = resource === "ephemeral-storage" || resource === "inodes";
    const disk = isOfDisk ? AbortSignal.timeout(diskWaitMsForEviction) : undefined;
    const { pods: samples } = await this.#sampler.sample(this.#running(pods), { rates: false, disk });
    return candidatesOf(pods, samples);
  }

  async #overLimit() {
    const pods = (this.#seen?.desired.pods ?? []).filter(hasLocalLimits);
    if (pods.length === 0) return [];
    const disk = AbortSignal.timeout(diskWaitMsForEviction);
    const { pods: samples } = await this.#sampler.sample(this.#running(pods), { rates: false, disk });
    return localExcesses(pods, samples);
  }

  #progress({ observation, desired }: Seen) {
    const live = Map.groupBy(observation.revisions.filter(isLive), ({ key }) => key);
    return desired.pods.map((pod) => {
      const key = podKeyOf(pod);
      const ofPod = live.get(key) ?? [];
      const isRunning = ofPod.length > 0 && ofPod.every(({ specHash }) => specHash === pod.specHash);
      const conditions = this.#parts.status.get(pod.namespace, pod.name)?.status?.conditions ?? [];
      const isReady = conditions.some(({ type, status }) => type === "Ready" && status === "True");
      return { key, specHash: pod.specHash, isRunning, isReady };
    });
  }

  #state(): AgentState {
    const { desired, probeCounts, nodeName, version } = this.#parts;
    const revisions = this.#seen?.observation.revisions ?? [];
    const live = revisions.filter(isLive);
    const { files, pods } = desired();
    return {
      runningPods: new Set(live.map(({ podUid }) => podUid)).size,
      containers: countBy(revisions.flatMap(({ apps }) => apps.map(({ state }) => state.kind))),
      desiredPods: pods.length,
      manifests: countBy(files.map(({ state }) => state)),
      stuckThings: this.stuck.list().length,
      probes: probeCounts(),
      ...{ nodeName, version },
    };
  }
}

function countBy(values: readonly string[]): ReadonlyMap<string, number> {
  return new Map([...Map.groupBy(values, (value) => value)].map(([value, same]) => [value, same.length]));
}
