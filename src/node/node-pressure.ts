// Watches what the machine is short of, and says which pods must go for it: one at a time, garbage first.
// Invariants: stops nothing itself; whom it names stays away until the shortage has been over for the transition period.

import type { Clock, Timers } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import type { KeptFile } from "../host/kept-file.ts";
import type { Log } from "../host/log.ts";
import type { RecordEvent } from "../pod/event.ts";
import type { PodKey } from "../pod/names.ts";
import type { Failure } from "../pod/observed-pod.ts";
import type { Shortage } from "../pod/shortage.ts";
import { type Candidate, evictionMessage, rankForEviction } from "./eviction.ts";
import { nextPressures, noPressure, type PressureStates, transitionMs, wordsFor } from "./node-condition.ts";
import {
  type MetThreshold,
  metThresholds,
  type Pressure,
  pressures,
  type Resource,
  type SignalName,
  type Signals,
  signalTraits,
  type Threshold,
} from "./threshold.ts";

export interface NodePressureOptions {
  readonly thresholds: readonly Threshold[];
  readonly readSignals: (wanted: ReadonlySet<SignalName>) => Signals;
  /** Each Pod that is wanted and runs, with what it uses of that. */
  readonly candidates: (resource: Resource) => Promise<readonly Candidate[]>;
  /** Pods with more on the disk than their own limits allow. */
  readonly overLimit: () => Promise<readonly LocalExcess[]>;
  /** Whether anything of a Pod still runs. */
  readonly isLive: (key: PodKey) => boolean;
  /** Frees what nobody uses on the disks. */
  readonly reclaimDisk: () => Promise<void>;
  /** What shortage() says has changed. */
  readonly onChange: () => void;
  /** A pod was evicted, for the sake of this signal. */
  readonly onEviction: (signal: string) => void;
  readonly memory: Pick<KeptFile<KeptPressure>, "recall" | "keep">;
  readonly record: RecordEvent;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/** A Pod over a limit of its own. */
export interface LocalExcess {
  readonly key: PodKey;
  /** The kubelet's name for it: `emptydirfs.limit`. */
  readonly signal: string;
  readonly message: string;
}

interface Eviction {
  readonly failure: Failure;
  readonly sinceMs: number;
  /** What it was for; undefined: for its own excess. */
  readonly pressure: Pressure | undefined;
}

/** What the next agent is to know, of the same boot. */
export interface KeptPressure {
  readonly present: readonly Pressure[];
  readonly evictions: readonly (readonly [PodKey, Eviction])[];
}

/** The kubelet's. */
const lookEveryMs = 10_000;
const localLookEveryMs = 60_000;
/** After so long the next one is chosen though the last still runs. */
const cleanupMs = 30_000;
/** How often, look after look, what nobody uses is removed before a pod is: what is dead goes meanwhile, and then its images can. */
const reclaimsMax = 2;
/** What could not be freed is not looked for again at once. */
const reclaimEveryMs = 60_000;
/** A disk that was found full for a pod or an image counts as short for so long. */
const diskFullMs = 60_000;

export class NodePressure implements Disposable {
  readonly #options: NodePressureOptions;
  #thresholds: readonly Threshold[];
  readonly #evictions = new Map<PodKey, Eviction>();
  #states: PressureStates;
  /** The last to be named, while it still runs. */
  #victim: PodKey | undefined;
  #looking: Promise<void> | undefined;
  #lookingLocally: Promise<void> | undefined;
  #cancelAlarm: () => void = () => undefined;
  #reclaims = 0;
  #reclaimedMs = Number.NEGATIVE_INFINITY;
  #locallyLookedMs = Number.NEGATIVE_INFINITY;
  #diskFullMs = Number.NEGATIVE_INFINITY;

  constructor(options: NodePressureOptions) {
    this.#options = options;
    this.#thresholds = options.thresholds;
    this.#states = noPressure({ wallMs: options.clock.wallMs() });
  }

  /** For the node's conditions. */
  get states(): PressureStates {
    return this.#states;
  }

  shortage(): Shortage {
    return {
      evicted: new Map([...this.#evictions].map(([key, { failure }]) => [key, failure])),
      isDiskShort: this.#isPresent("DiskPressure") || this.#nowMs - this.#diskFullMs < diskFullMs,
    };
  }

  /** Looks from now on. Whom an earlier agent evicted stays away as it would have with that one. */
  async start(): Promise<void> {
    const { memory, clock } = this.#options;
    const { present, evictions } = (await memory.recall()) ?? { present: [], evictions: [] };
    this.#states = nextPressures(this.#states, new Set(present), {
      nowMs: this.#nowMs,
      wallMs: clock.wallMs(),
    });
    for (const [key, eviction] of evictions) this.#evictions.set(key, eviction);
    this.#setAlarm();
    this.#observe();
    this.#lift();
  }

  /** Other thresholds: what was short by the old ones counts no more. */
  setThresholds(thresholds: readonly Threshold[]): void {
    this.#thresholds = thresholds;
    this.#become(noPressure({ wallMs: this.#options.clock.wallMs() }), []);
    this.#evictions.clear();
    this.#changed();
    void this.look();
  }

  /** Something could not be written for want of space. */
  noteDiskFull(): void {
    this.#diskFullMs = this.#nowMs;
    this.#options.onChange();
    void this.look();
  }

  /** The machine was looked at: where the last victim is gone, nothing is to be waited for. */
  notePass(): void {
    if (this.#victim === undefined || this.#options.isLive(this.#victim)) return;
    this.#victim = undefined;
    this.#reclaims = Math.min(this.#reclaims, reclaimsMax - 1); // what it leaves is still there
    void this.look();
  }

  /** One look; who asks meanwhile gets the same. That for pods over their own limits takes longer, and holds up no other. Never rejects. */
  async look(): Promise<void> {
    const warn = (error: unknown) =>
      this.#options.log.warn("Cannot see to what the node is short of", { error: errorChain(error) });
    this.#looking ??= this.#look()
      .catch(warn)
      .finally(() => {
        this.#looking = undefined;
      });
    this.#lookingLocally ??= this.#evictLocally()
      .catch(warn)
      .finally(() => {
        this.#lookingLocally = undefined;
      });
    await Promise.all([this.#looking, this.#lookingLocally]);
  }

  async #look(): Promise<void> {
    const [first] = this.#observe();
    this.#lift();
    if (first === undefined || this.#isWaitingForVictim()) return;
    const { pressure } = signalTraits[first.signal];
    if (pressure === "DiskPressure" && (await this.#reclaim())) return;
    await this.#evictFor(first);
  }

  /** Reads the signals, and what follows for the conditions. */
  #observe(): readonly MetThreshold[] {
    const { readSignals, clock } = this.#options;
    const wanted = new Set(this.#thresholds.map(({ signal }) => signal));
    const met = metThresholds(this.#thresholds, readSignals(wanted));
    const found = new Set(met.map(({ signal }) => signalTraits[signal].pressure));
    this.#become(nextPressures(this.#states, found, { nowMs: this.#nowMs, wallMs: clock.wallMs() }), met);
    return met;
  }

  #become(states: PressureStates, met: readonly MetThreshold[]): void {
    const { record, log } = this.#options;
    const before = this.#states;
    this.#states = states;
    for (const [pressure, { isPresent }] of this.#states) {
      if (before.get(pressure)?.isPresent === isPresent) continue;
      const { message, event } = wordsFor(pressure, isPresent);
      log[isPresent ? "warn" : "info"](message, isPresent ? { thresholds: JSON.stringify(met) } : {});
      const type = isPresent ? "Warning" : "Normal";
      record({ object: { kind: "Node" }, type, reason: event, message: `Node status is now: ${event}` });
      this.#changed();
    }
  }

  #lift(): void {
    for (const [key, { pressure, sinceMs }] of this.#evictions) {
      const isOver =
        pressure === undefined ? this.#nowMs - sinceMs >= transitionMs : !this.#isPresent(pressure);
      if (!isOver) continue;
      this.#evictions.delete(key);
      this.#changed();
    }
  }

  async #evictLocally(): Promise<void> {
    if (this.#nowMs - this.#locallyLookedMs < localLookEveryMs) return;
    this.#locallyLookedMs = this.#nowMs;
    for (const { key, signal, message } of await this.#options.overLimit())
      if (!this.#evictions.has(key)) this.#evict(key, { message, signal, pressure: undefined });
  }

  #isWaitingForVictim(): boolean {
    const { isLive } = this.#options;
    const chosen = this.#victim && this.#evictions.get(this.#victim);
    return chosen !== undefined && isLive(this.#victim as PodKey) && this.#nowMs - chosen.sinceMs < cleanupMs;
  }

  /** Whether that was to be tried: the next look tells what it was good for. */
  async #reclaim(): Promise<boolean> {
    if (this.#nowMs - this.#reclaimedMs >= reclaimEveryMs) this.#reclaims = 0;
    if (this.#reclaims >= reclaimsMax) return false;
    this.#reclaims += 1;
    this.#reclaimedMs = this.#nowMs;
    await this.#options.reclaimDisk();
    return true;
  }

  async #evictFor(met: MetThreshold): Promise<void> {
    const { candidates, record, log } = this.#options;
    const { pressure, resource } = signalTraits[met.signal];
    const ranked = rankForEviction(await candidates(resource), resource);
    // To measure them takes its time: by now it may be over, or not be one any more.
    if (!this.#observe().some(({ signal }) => signal === met.signal)) return;
    const victim = ranked.find(({ key }) => !this.#evictions.has(key));
    if (victim === undefined) return;
    const message = `Attempting to reclaim ${resource}`;
    record({ object: { kind: "Node" }, type: "Warning", reason: "EvictionThresholdMet", message });
    log.warn(message, { victim: victim.key, of: ranked.length });
    this.#victim = victim.key;
    this.#evict(victim.key, { message: evictionMessage(met, victim), signal: met.signal, pressure });
  }

  #evict(
    key: PodKey,
    { message, signal, pressure }: { message: string; signal: string; pressure: Pressure | undefined },
  ): void {
    this.#evictions.set(key, { failure: { reason: "Evicted", message }, sinceMs: this.#nowMs, pressure });
    this.#options.onEviction(signal);
    this.#changed();
  }

  #changed(): void {
    const present = pressures.filter((each) => this.#isPresent(each));
    this.#options.memory.keep({ present, evictions: [...this.#evictions] });
    this.#options.onChange();
  }

  #setAlarm(): void {
    this.#cancelAlarm = this.#options.timers.after(lookEveryMs, () => {
      this.#setAlarm();
      void this.look();
    });
  }

  #isPresent(pressure: Pressure): boolean {
    return this.#states.get(pressure)?.isPresent ?? false;
  }

  get #nowMs(): number {
    return this.#options.clock.nowMs();
  }

  [Symbol.dispose](): void {
    this.#cancelAlarm();
  }
}
