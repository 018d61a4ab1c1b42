// A reconciler under test: on the runtime in memory, with a clock that stands still until told.

import type { Log } from "../../src/host/log.ts";
import { type Desired, serializeAcceptedPod } from "../../src/pod/desired.ts";
import type { PodEvent } from "../../src/pod/event.ts";
import type { HealthByRevision } from "../../src/pod/health.ts";
import { type PodKey, podKey } from "../../src/pod/names.ts";
import { type Failure, isLive } from "../../src/pod/observed-pod.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { type PassReport, Reconciler } from "../../src/reconcile/reconciler.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryRuntime } from "../fakes/memory-runtime.ts";
import { baseDesired } from "./base-world.ts";

/** A reconciler that runs until the test ends. */
export class Loop implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly runtime: MemoryRuntime;
  readonly reports: PassReport[] = [];
  readonly lines: string[] = [];
  readonly events: PodEvent[] = [];
  readonly #log: Log = {
    debug: (message, fields) => this.lines.push(`debug ${message} ${JSON.stringify(fields)}`),
    info: (message, fields) => this.lines.push(`info ${message} ${JSON.stringify(fields)}`),
    warn: (message, fields) => this.lines.push(`warn ${message} ${JSON.stringify(fields)}`),
    error: (message, fields) => this.lines.push(`error ${message} ${JSON.stringify(fields)}`),
  };
  readonly reconciler: Reconciler;
  desired: Desired;
  health: HealthByRevision = new Map();
  evict: ReadonlyMap<PodKey, Failure> = new Map();
  /** Every Pod that was wanted once, by its record. */
  readonly #known = new Map<string, Pod>();
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  /** `before`: whose machine it takes over. */
  constructor(desired = baseDesired(), before?: Loop) {
    this.clock = before?.clock ?? new FakeClock();
    this.runtime = before?.runtime ?? new MemoryRuntime(this.clock);
    this.reconciler = new Reconciler({
      runtime: this.runtime,
      desired: () => this.desired,
      health: () => this.health,
      evict: () => this.evict,
      isDiskShort: () => false,
      parseAccepted: (record) => this.#known.get(record),
      record: (event) => this.events.push(event),
      clock: this.clock,
      timers: this.clock,
      log: this.#log,
      onPass: (report) => this.reports.push(report),
    });
    this.desired = desired;
    this.#remember(desired);
    this.#ended = this.reconciler.run(this.#stop.signal);
  }

  want(desired: Desired): void {
    this.desired = desired;
    this.#remember(desired);
    this.reconciler.wake("manifests");
  }

  #remember({ pods }: Desired): void {
    for (const pod of pods) this.#known.set(serializeAcceptedPod(pod), pod);
  }

  get live() {
    return this.runtime.revisions.filter(isLive);
  }

  get lastReport() {
    return this.reports.at(-1);
  }

  waitingOf(key = podKey("default", "web")) {
    const report = this.lastReport;
    return report?.kind === "observed" ? report.plan.waiting.get(key)?.[0] : undefined;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** A fault that holds an operation on these targets until it is opened or canceled. */
export function gate(...targets: readonly string[]) {
  const opened = Promise.withResolvers<void>();
  const waiting: string[] = [];
  const fault = async (target: string, signal: AbortSignal) => {
    if (!targets.includes(target)) return;
    waiting.push(target);
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    await Promise.race([opened.promise, aborted]);
  };
  return { fault, waiting, open: () => opened.resolve() };
}
