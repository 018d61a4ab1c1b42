// A Prober on a clock that stands still, with containers whose answers a test decides.

import type { Log } from "../../src/host/log.ts";
import type { PodEvent } from "../../src/pod/event.ts";
import type { Probe, ProbeKind } from "../../src/pod/handler.ts";
import type { ContainerHealth } from "../../src/pod/health.ts";
import { type PodUid, podKey, type RktUuid } from "../../src/pod/names.ts";
import type { Check } from "../../src/probe/check.ts";
import type { CheckResult } from "../../src/probe/check-result.ts";
import type { Remembered } from "../../src/probe/probed-container.ts";
import { Prober } from "../../src/probe/prober.ts";
import type { ProbeTarget } from "../../src/probe/targets.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { plainProbe } from "../plain-pod.ts";

export const success = { kind: "success" } as const;
export const failure = { kind: "failure", message: "refused" } as const;

/** Each kind asks at a port of its own, to be told apart. */
const ports: Readonly<Record<ProbeKind, number>> = { startup: 1, liveness: 2, readiness: 3 };
const kindOf = (port: number) => (["startup", "liveness", "readiness"] as const)[port - 1] ?? "startup";

export function probe(kind: ProbeKind, change: Partial<Probe> = {}): Probe {
  return {
    ...plainProbe,
    handler: { kind: "tcpSocket", host: "", port: ports[kind] },
    ...change,
  };
}

export function target(number: number, ...probes: readonly [ProbeKind, Partial<Probe>?][]): ProbeTarget {
  return {
    uuid: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}` as RktUuid,
    key: podKey("default", `web${number}`),
    podUid: `uid-${number}` as PodUid,
    container: "main",
    address: "10.1.2.3",
    probes: Object.fromEntries(probes.map(([kind, change]) => [kind, probe(kind, change)])),
    isStopping: false,
  };
}

export class Probing {
  readonly clock: FakeClock;
  readonly prober: Prober;
  /** What each kind of check comes to from now on; a promise may keep it waiting. */
  readonly answers: { [Kind in ProbeKind]: CheckResult | Promise<CheckResult> } = {
    startup: success,
    liveness: success,
    readiness: success,
  };
  /** The checks that were made, with the time since the beginning. */
  readonly asked: (readonly [kind: ProbeKind, atMs: number])[] = [];
  readonly events: PodEvent[] = [];
  readonly lines: string[] = [];
  underWay = 0;
  wakeUps = 0;
  changes = 0;
  /** What the next agent will be told. */
  kept: readonly Remembered[] = [];
  random = 0.5;
  readonly #beginMs: number;

  /** Of an agent that is started after another, where that is given. */
  constructor(before?: Probing) {
    this.clock = before?.clock ?? new FakeClock();
    this.#beginMs = this.clock.nowMs();
    const { clock } = this;
    this.prober = new Prober({
      check: this.#check,
      clock,
      timers: {
        after: (delayMs, callback) =>
          clock.after(delayMs, () => {
            this.wakeUps += 1;
            callback();
          }),
      },
      random: () => this.random,
      memory: {
        keep: (containers) => {
          this.kept = containers;
        },
      },
      recalled: before?.kept ?? [],
      onChange: () => {
        this.changes += 1;
      },
      record: (event) => this.events.push(event),
      log: this.#log(),
    });
  }

  readonly #check: Check = async (handler, _target, { signal }) => {
    const kind = handler.kind === "tcpSocket" ? kindOf(handler.port) : "readiness";
    this.asked.push([kind, this.clock.nowMs() - this.#beginMs]);
    this.underWay += 1;
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    return await Promise.race([this.answers[kind], aborted]).finally(() => {
      this.underWay -= 1;
    });
  };

  #log(): Log {
    const line = (message: string) => void this.lines.push(message);
    return { debug: line, info: line, warn: line, error: line };
  }

  /** Lets time pass, alarm by alarm, and the checks end that have their answer. */
  async pass(ms: number): Promise<void> {
    await settled();
    for (let leftMs = ms; ; ) {
      const next = this.clock.nextAlarmMs;
      if (next === undefined || next > leftMs) {
        this.clock.advance(leftMs);
        return settled();
      }
      this.clock.advance(next);
      leftMs -= next;
      await settled();
    }
  }

  /** When a kind was asked, in milliseconds since the beginning. */
  times(kind: ProbeKind): readonly number[] {
    return this.asked.filter(([each]) => each === kind).map(([, atMs]) => atMs);
  }

  health({ uuid, container }: ProbeTarget): ContainerHealth | undefined {
    return this.prober.health.get(uuid)?.get(container);
  }

  get messages(): readonly string[] {
    return this.events.map(({ reason, message }) => `${reason}: ${message}`);
  }
}

/** All that can go on without time passing has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
