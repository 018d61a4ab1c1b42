// A running container that has probes: what is due when, and what the results come to. Does nothing itself; the time is an argument.
// Invariants: startup holds the other two back; after a failure for good neither startup nor liveness is asked again; what was
// ready stays so until its probe says otherwise, over restarts of the agent and changes of the probe.

import type { Probe, ProbeKind } from "../pod/handler.ts";
import type { ContainerHealth, Unhealthy } from "../pod/health.ts";
import type { RktUuid } from "../pod/names.ts";
import type { CheckResult } from "./check-result.ts";
import type { Probes, ProbeTarget } from "./targets.ts";
import { addResult, beginTally, type Tally } from "./threshold.ts";

/** What an agent leaves to the next one. */
export interface Remembered {
  readonly uuid: RktUuid;
  readonly container: string;
  /** When it was first seen to run, on the monotonic clock. */
  readonly sinceMs: number;
  readonly probes: Probes;
  readonly health: ContainerHealth;
}

/** One of its probes at work. */
export interface Worker {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  /** Its first check was due then. */
  readonly startMs: number;
  /** Aborted when it is not wanted any more. */
  readonly dismissal: AbortController;
  dueMs: number;
  isUnderWay: boolean;
  /** Until its first success, and for a period at most, it is asked more often, and failures do not count. */
  isEager: boolean;
  last: CheckResult["kind"] | undefined;
  tally: Tally;
}

/** What a result meant. */
export interface Verdict {
  /** Undefined: nothing to tell; it was not the first of its kind in a row, and nothing has changed by it. */
  readonly news: string | undefined;
  /** The health is another one now. */
  readonly isTransition: boolean;
}

export interface Circumstances {
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: () => number;
  /** By an earlier agent. Then all are checked for the first time together, and are spread over their periods. */
  readonly remembered: Remembered | undefined;
}

const kinds = ["startup", "liveness", "readiness"] as const satisfies readonly ProbeKind[];
const eagerDelayMsMin = 250;
/** The kubelet's events are as long at most. */
const newsLengthMax = 1024;

export class ProbedContainer {
  readonly #random: () => number;
  readonly #sinceMs: number;
  #workers: readonly Worker[] = [];
  #target: ProbeTarget;
  #probes: Probes;
  #isStarted: boolean;
  #isReady: boolean;
  #unhealthy: Unhealthy | undefined;

  constructor(target: ProbeTarget, { nowMs, random, remembered }: Circumstances) {
    this.#random = random;
    this.#sinceMs = remembered?.sinceMs ?? nowMs;
    this.#target = target;
    this.#probes = target.probes ?? remembered?.probes ?? {};
    this.#isStarted = remembered?.health.isStarted ?? false;
    this.#isReady = remembered?.health.isReady ?? false;
    this.#unhealthy = remembered?.health.unhealthy;
    this.#employ(nowMs, remembered !== undefined);
  }

  get target(): ProbeTarget {
    return this.#target;
  }

  get health(): ContainerHealth {
    const isReady = this.#isStarted && (this.#isReady || this.#probes.readiness === undefined);
    return { isStarted: this.#isStarted, isReady, unhealthy: this.#unhealthy };
  }

  get remembered(): Remembered {
    const { uuid, container } = this.#target;
    return { uuid, container, sinceMs: this.#sinceMs, probes: this.#probes, health: this.health };
  }

  /** At most one of a kind. */
  get workers(): readonly Worker[] {
    return this.#workers;
  }

  /** Another pass has seen it. */
  see(target: ProbeTarget, nowMs: number): void {
    this.#isReady = this.health.isReady; // by the probes so far
    this.#target = target;
    this.#probes = target.probes ?? this.#probes;
    this.#employ(nowMs, false);
  }

  end(): void {
    for (const worker of this.#workers) worker.dismissal.abort();
    this.#workers = [];
  }

  /** A check of an employed worker has ended. */
  add(worker: Worker, result: CheckResult, nowMs: number): Verdict {
    const before = this.health;
    const elapsedMs = nowMs - worker.startMs;
    const isEarly = worker.isEager && elapsedMs < periodMs(worker);
    const isFirst = worker.last !== result.kind;
    worker.isUnderWay = false;
    if (isEarly && (result.kind === "failure" || result.kind === "error")) {
      const delayMs = Math.max(eagerDelayMsMin, elapsedMs);
      worker.dueMs = nowMs + Math.min(delayMs, periodMs(worker) - elapsedMs);
      return { news: undefined, isTransition: false };
    }
    worker.isEager = false;
    worker.last = result.kind;
    worker.dueMs = Math.max(nowMs, worker.dueMs + periodMs(worker));
    const text = newsOf(worker.kind, result);
    if (result.kind !== "error")
      this.#conclude(worker, result.kind === "failure" ? "failure" : "success", text);
    this.#employ(nowMs, false);
    const isTransition = !isSameHealth(before, this.health);
    return { news: isFirst || isTransition ? text : undefined, isTransition };
  }

  #conclude(worker: Worker, result: "success" | "failure", text: string | undefined): void {
    const { kind, probe } = worker;
    worker.tally = addResult(worker.tally, result, probe);
    const { conclusion } = worker.tally;
    if (kind === "readiness") this.#isReady = conclusion === "success";
    else if (conclusion === "failure")
      this.#unhealthy = { message: text ?? "", graceSeconds: probe.terminationGracePeriodSeconds };
    else if (kind === "startup") this.#isStarted = conclusion === "success";
  }

  /** Sees to it that there is a worker for each probe that is to be asked. */
  #employ(nowMs: number, isSpread: boolean): void {
    if (this.#probes.startup === undefined) this.#isStarted = true;
    this.#workers = kinds.flatMap((kind) => {
      const probe = this.#wanted(kind);
      const worker = this.#workers.find((each) => each.kind === kind);
      if (worker && isSameProbe(worker.probe, probe)) return [worker];
      worker?.dismissal.abort();
      return probe ? [this.#hire(kind, probe, nowMs, isSpread)] : [];
    });
  }

  #wanted(kind: ProbeKind): Probe | undefined {
    const isLiving = !this.#target.isStopping && this.#unhealthy === undefined;
    switch (kind) {
      case "startup":
        return isLiving && !this.#isStarted ? this.#probes.startup : undefined;
      case "liveness":
        return isLiving && this.#isStarted ? this.#probes.liveness : undefined;
      case "readiness":
        return this.#isStarted ? this.#probes.readiness : undefined;
      default:
        return kind satisfies never;
    }
  }

  #hire(kind: ProbeKind, probe: Probe, nowMs: number, isSpread: boolean): Worker {
    const startMs = Math.max(nowMs, this.#sinceMs + probe.initialDelaySeconds * 1000);
    const isEager = kind !== "liveness" && !isSpread && !this.#isReady;
    const ready = this.#isReady ? "success" : "failure";
    return {
      kind,
      probe,
      startMs,
      dismissal: new AbortController(),
      dueMs: isEager ? startMs : startMs + this.#random() * probe.periodSeconds * 1000,
      isUnderWay: false,
      isEager,
      last: undefined,
      tally: beginTally(kind, kind === "readiness" ? ready : undefined),
    };
  }
}

function periodMs({ probe }: Worker): number {
  return probe.periodSeconds * 1000;
}

/** In the kubelet's words, one line; undefined: there is nothing to tell of a success. */
function newsOf(kind: ProbeKind, result: CheckResult): string | undefined {
  if (result.kind === "success") return undefined;
  const hows = { warning: "warning", failure: "failed", error: "errored and resulted in unknown state" };
  const name = `${kind[0]?.toUpperCase()}${kind.slice(1)}`;
  const line = result.message.replaceAll(/[\p{Cc}\s]+/gu, " ").trim();
  return `${name} probe ${hows[result.kind]}: ${line}`.slice(0, newsLengthMax);
}

function isSameHealth(a: ContainerHealth, b: ContainerHealth): boolean {
  return a.isStarted === b.isStarted && a.isReady === b.isReady && a.unhealthy === b.unhealthy;
}

function isSameProbe(a: Probe, b: Probe | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
