// Asks the probes of what runs, when they are due, and tells what they conclude.
// Invariants: without probes no alarm is set; a pod whose checks hang delays nobody else's for longer than the others' places last;
// what is told, logged and written are transitions, however often is asked.

import type { Clock, Timers } from "../host/clock.ts";
import type { KeptFile } from "../host/kept-file.ts";
import type { Log } from "../host/log.ts";
import type { RecordEvent } from "../pod/event.ts";
import type { ProbeKind } from "../pod/handler.ts";
import type { ContainerHealth, HealthByRevision } from "../pod/health.ts";
import type { RktUuid } from "../pod/names.ts";
import type { Check } from "./check.ts";
import type { CheckResult } from "./check-result.ts";
import { Lane } from "./lane.ts";
import { ProbedContainer, type Remembered, type Worker } from "./probed-container.ts";
import type { ProbeTarget } from "./targets.ts";

export interface ProberOptions {
  readonly check: Check;
  readonly clock: Clock;
  readonly timers: Timers;
  /** In [0, 1). */
  readonly random: () => number;
  readonly memory: Pick<KeptFile<readonly Remembered[]>, "keep">;
  /** What an earlier agent kept. */
  readonly recalled: readonly Remembered[];
  /** `health` is another one. */
  readonly onChange: () => void;
  readonly record: RecordEvent;
  readonly log: Log;
}

/** As the kubelet's `prober_probe_total` has them. */
export type ProbeResult = "successful" | "failed" | "unknown";

export interface ProbeCount {
  readonly kind: ProbeKind;
  readonly result: ProbeResult;
  readonly count: number;
}

/** A check in the container is a process or three; one over the network is a socket. */
const atOnce = { exec: 16, others: 64 };
/** Checks that are due within the same one are begun together: each time the process wakes up costs more than a check. */
const slotMs = 250;

export class Prober implements Disposable {
  readonly #options: ProberOptions;
  readonly #containers = new Map<string, ProbedContainer>();
  readonly #lanes = { exec: new Lane(atOnce.exec), others: new Lane(atOnce.others) };
  readonly #counts = new Map<string, { -readonly [Key in keyof ProbeCount]: ProbeCount[Key] }>();
  #recalled: readonly Remembered[];
  #health: HealthByRevision;
  #alarmMs = Number.POSITIVE_INFINITY;
  #cancelAlarm: () => void = () => undefined;

  constructor(options: ProberOptions) {
    this.#options = options;
    this.#recalled = options.recalled;
    this.#health = healthByRevision(options.recalled); // for the first pass
  }

  get health(): HealthByRevision {
    return this.#health;
  }

  /** Since the agent's start. */
  get counts(): readonly ProbeCount[] {
    return [...this.#counts.values()];
  }

  /** All that runs now, after each pass. */
  update(targets: readonly ProbeTarget[]): void {
    const { clock, random } = this.#options;
    const nowMs = clock.nowMs();
    const found = new Map(targets.map((target) => [`${target.uuid} ${target.container}`, target]));
    for (const [id, container] of this.#containers) {
      if (found.has(id)) continue;
      container.end();
      this.#containers.delete(id);
    }
    for (const [id, target] of found) {
      const remembered = this.#recalled.find(({ uuid, container }) => `${uuid} ${container}` === id);
      const known = this.#containers.get(id);
      if (known) known.see(target, nowMs);
      else if (target.probes ?? remembered)
        this.#containers.set(id, new ProbedContainer(target, { nowMs, random, remembered }));
    }
    this.#recalled = [];
    this.#publish();
    this.#schedule();
  }

  [Symbol.dispose](): void {
    this.#cancelAlarm();
    for (const container of this.#containers.values()) container.end();
    this.#containers.clear();
  }

  #publish(): void {
    const conclusions = [...this.#containers.values()].map(({ remembered }) => remembered);
    const isChange = conclusions.some(
      ({ uuid, container, health }) => !isSame(health, this.#health.get(uuid)?.get(container)),
    );
    this.#health = healthByRevision(conclusions);
    this.#options.memory.keep(conclusions);
    if (isChange) this.#options.onChange();
  }

  /** Sets the alarm for what is due first. */
  #schedule(): void {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const { workers } of this.#containers.values())
      for (const worker of workers) if (!worker.isUnderWay) dueMs = Math.min(dueMs, worker.dueMs);
    this.#cancelAlarm();
    const { clock, timers } = this.#options;
    const nowMs = clock.nowMs();
    this.#alarmMs = dueMs <= nowMs ? nowMs : Math.ceil(dueMs / slotMs) * slotMs;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.#cancelAlarm = timers.after(this.#alarmMs - nowMs, () => this.#begin());
  }

  #begin(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const container of this.#containers.values())
      for (const worker of container.workers) {
        if (worker.isUnderWay || worker.dueMs > nowMs) continue;
        worker.isUnderWay = true;
        const lane = worker.probe.handler.kind === "exec" ? this.#lanes.exec : this.#lanes.others;
        lane.add(() => this.#check(container, worker));
      }
    this.#schedule();
  }

  async #check(container: ProbedContainer, worker: Worker): Promise<void> {
    const { signal } = worker.dismissal;
    if (signal.aborted) return;
    const { uuid, container: name, address } = container.target;
    const limits = { timeoutMs: worker.probe.timeoutSeconds * 1000, signal };
    let result: CheckResult;
    try {
      result = await this.#options.check(worker.probe.handler, { uuid, container: name, address }, limits);
    } catch (error) {
      if (!signal.aborted) throw error;
      return;
    }
    if (!signal.aborted) this.#end(container, worker, result);
  }

  #end(container: ProbedContainer, worker: Worker, result: CheckResult): void {
    this.#count(worker.kind, result);
    const { news, isTransition } = container.add(worker, result, this.#options.clock.nowMs());
    // Nobody wonders that what is being stopped does not answer.
    if (!container.target.isStopping) {
      if (news !== undefined) this.#record(container, result, news);
      if (isTransition) this.#log(container, worker.kind, news);
    }
    if (isTransition) this.#publish();
    // Most often the next alarm comes earlier anyway.
    if (isTransition || worker.dueMs < this.#alarmMs) this.#schedule();
  }

  #record({ target }: ProbedContainer, result: CheckResult, message: string): void {
    const { key, podUid: uid, container } = target;
    const object = { kind: "Pod", key, uid, container } as const;
    const reason = result.kind === "warning" ? "ProbeWarning" : "Unhealthy";
    this.#options.record({ object, type: "Warning", reason, message });
  }

  #count(kind: ProbeKind, result: CheckResult): void {
    const name = countedAs[result.kind];
    const counter = this.#counts.get(`${kind} ${name}`);
    if (counter) counter.count += 1;
    else this.#counts.set(`${kind} ${name}`, { kind, result: name, count: 1 });
  }

  #log({ target, health }: ProbedContainer, probe: ProbeKind, why: string | undefined): void {
    const fields = { pod: target.key, container: target.container };
    if (health.unhealthy) this.#options.log.warn("unhealthy", { ...fields, error: health.unhealthy.message });
    else if (probe === "startup") this.#options.log.info("started", fields);
    else if (health.isReady) this.#options.log.info("ready", fields);
    else this.#options.log.warn("not ready", { ...fields, error: why });
  }
}

const countedAs = {
  success: "successful",
  warning: "successful",
  failure: "failed",
  error: "unknown",
} as const satisfies Record<CheckResult["kind"], ProbeResult>;

function healthByRevision(conclusions: readonly Remembered[]): HealthByRevision {
  const health = new Map<RktUuid, Map<string, ContainerHealth>>();
  for (const { uuid, container, health: ofContainer } of conclusions)
    health.set(uuid, (health.get(uuid) ?? new Map()).set(container, ofContainer));
  return health;
}

/** A container that is missing is neither started nor ready. */
function isSame(a: ContainerHealth, b: ContainerHealth | undefined): boolean {
  const { isStarted = false, isReady = false, unhealthy } = b ?? {};
  return a.isStarted === isStarted && a.isReady === isReady && a.unhealthy === unhealthy;
}
