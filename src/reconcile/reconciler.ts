// The loop: look, plan, act, again. Level-triggered: a wake-up says when, never what.
// Invariants: a pass never waits for an action; one pass at a time; no failure of the world ends the loop, each becomes data.

import type { Clock, Timers } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import type { Desired } from "../pod/desired.ts";
import type { RecordEvent } from "../pod/event.ts";
import type { HealthByRevision } from "../pod/health.ts";
import type { PodKey } from "../pod/names.ts";
import type { Failure, Observation, Reason } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { type Action, type ActionId, type ActionKind, actionId } from "./action.ts";
import { actionFields } from "./action-fields.ts";
import { adoptUids } from "./adopt-uid.ts";
import { failureEvents } from "./events.ts";
import { execute } from "./execute.ts";
import { InFlight } from "./in-flight.ts";
import { type Noticed, noticedEvents, noticedOf } from "./noticed.ts";
import { type Plan, plan } from "./plan.ts";
import { backOffMs, retryBackOff } from "./restart.ts";
import { type Runtime, RuntimeError } from "./runtime.ts";
import type { AttemptFailure, World } from "./world.ts";

export type WakeReason =
  | "startup"
  | "manifests"
  | "units"
  | "health"
  | "shortage"
  | "due"
  | "actionEnded"
  | "resync";

/** What a pass saw and decided. */
export type PassReport =
  | {
      readonly kind: "observed";
      readonly reasons: readonly WakeReason[];
      /** Its Pods with the uids of what runs, and in the versions that are to run. */
      readonly desired: Desired;
      readonly observation: Observation;
      /** What was decided on. */
      readonly health: HealthByRevision;
      readonly plan: Plan;
    }
  /** The machine could not be looked at, so nothing was done and all that was known before still counts. */
  | {
      readonly kind: "unobserved";
      readonly reasons: readonly WakeReason[];
      readonly error: string;
      /** Looks in a row that failed. */
      readonly count: number;
    };

export interface ReconcilerOptions {
  readonly runtime: Runtime;
  readonly desired: () => Desired;
  readonly health: () => HealthByRevision;
  /** World.evict; asked in each pass. */
  readonly evict: () => ReadonlyMap<PodKey, Failure>;
  /** World.isDiskShort; asked in each pass. */
  readonly isDiskShort: () => boolean;
  /** Reads what serializeAcceptedPod() made; undefined: it cannot be read. */
  readonly parseAccepted: (record: string) => Pod | undefined;
  readonly record: RecordEvent;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Called at the end of each pass. */
  readonly onPass: (report: PassReport) => void;
}

const observeBackOff = { firstMs: 1000, maxMs: 30_000 };
/** Signals are enough; this is for the one that was lost. */
const resyncMs = 5 * 60_000;

/** Where the runtime threw something else than a RuntimeError. */
const defaultReasons: Readonly<Record<ActionKind, Reason>> = {
  run: "RunContainerError",
  postStart: "RunContainerError",
  markReady: "RunContainerError",
  refresh: "FailedMount",
  stop: "FailedKillPod",
  remove: "FailedKillPod",
  removePodDirectory: "FailedKillPod",
};

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #inFlight = new InFlight(() => {
    this.#startQueued();
    this.wake("actionEnded");
  });
  /** What the last plan asks for and has no place yet: one that becomes free does not wait for the next pass. */
  #queue: readonly Action[] = [];
  /** Since the last look began. */
  #started = new Set<Action>();
  readonly #failures = new Map<ActionId, AttemptFailure>();
  /** Succeeded since the last plan: none should be in the next one. */
  readonly #succeeded = new Set<ActionId>();
  readonly #reasons = new Set<WakeReason>();
  #awake = Promise.withResolvers<void>();
  #cancelAlarm: () => void = () => undefined;
  #observeFailures = 0;
  #passStartedMs: number | undefined;
  #noticed: Noticed | undefined;
  #seen: Observation | undefined;
  /** By their records. */
  #good: ReadonlyMap<string, Pod | undefined> = new Map();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Since when a pass has been under way, on the monotonic clock; undefined while none is. A pass that does not end hangs. */
  get passStartedMs(): number | undefined {
    return this.#passStartedMs;
  }

  /** What would be decided of what the last pass saw, if this were desired; nothing of it is done. Undefined: none has seen anything yet. */
  preview(desired: Desired): Plan | undefined {
    const nowMs = this.#options.clock.nowMs();
    return this.#seen && plan(this.#world(desired, this.#seen, { inFlight: [], nowMs }));
  }

  /** Asks for a pass; many asks before it begins are one. */
  wake(reason: WakeReason): void {
    this.#reasons.add(reason);
    this.#awake.resolve();
  }

  /** Keeps the machine as desired until told to end; then what is in flight is ended and waited for. */
  async run(signal: AbortSignal): Promise<void> {
    const end = () => this.#awake.resolve();
    signal.addEventListener("abort", end, { once: true });
    try {
      this.wake("startup");
      for (;;) {
        await this.#awake.promise;
        if (signal.aborted) return;
        this.#awake = Promise.withResolvers();
        this.#passStartedMs = this.#options.clock.nowMs();
        await this.#pass(signal);
        this.#passStartedMs = undefined;
      }
    } finally {
      signal.removeEventListener("abort", end);
      this.#cancelAlarm();
      this.#queue = [];
      await this.#inFlight.cancelAll(this.#options.timers);
    }
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { runtime, log, clock, onPass } = this.#options;
    const reasons = [...this.#reasons];
    this.#reasons.clear();
    this.#cancelAlarm();
    log.debug("pass", { reasons: reasons.join(",") });
    // An action that ends during the look was half done in what we see, and so was one that has been started meanwhile.
    this.#started = new Set(this.#inFlight.actions);
    const succeeded = new Set(this.#succeeded);
    let observation: Observation;
    try {
      observation = await runtime.observe(signal);
    } catch (error) {
      if (!signal.aborted) this.#cannotObserve(reasons, error);
      return;
    }
    if (signal.aborted) return;
    this.#observeFailures = 0;
    this.#seen = observation;

    const moment = { inFlight: [...this.#started], nowMs: clock.nowMs() };
    const world = this.#world(this.#options.desired(), observation, moment);
    const decided = this.#plan(world, succeeded);
    this.#notice(decided, observation);
    for (const action of decided.cancel) this.#inFlight.cancel(action);
    for (const action of decided.outdated) this.#inFlight.outdate(action);
    this.#queue = decided.actions;
    this.#wakeAt(Math.min(this.#startQueued(), decided.recheckAtMs ?? Number.POSITIVE_INFINITY));
    const desired = { ...world.desired, pods: decided.pods };
    onPass({ kind: "observed", reasons, desired, observation, health: world.health, plan: decided });
  }

  #world(
    desired: Desired,
    observation: Observation,
    { inFlight, nowMs }: Pick<World, "inFlight" | "nowMs">,
  ): World {
    const { health, evict, isDiskShort, parseAccepted } = this.#options;
    const known = this.#good;
    const directories = observation.podDirectories.flatMap(({ uid, good }) => (good ? [{ uid, good }] : []));
    this.#good = new Map(
      directories.map(({ good }) => [good, known.has(good) ? known.get(good) : parseAccepted(good)]),
    );
    const good = directories.flatMap(({ uid, good: record }) => {
      const pod = this.#good.get(record);
      return pod ? [[uid, pod] as const] : [];
    });
    this.#forgetOldFailures(nowMs);
    return {
      desired: adoptUids(desired, observation.revisions),
      observation,
      good: new Map(good),
      health: health(),
      evict: evict(),
      isDiskShort: isDiskShort(),
      failures: this.#failures,
      inFlight,
      nowMs,
    };
  }

  #notice(decided: Plan, observation: Observation): void {
    if (this.#noticed) noticedEvents(this.#noticed, decided, observation).forEach(this.#options.record);
    this.#noticed = noticedOf(decided, observation);
  }

  /** An action that succeeds and is asked for again right away had no effect: it counts as failed, or we would turn in circles. */
  #plan(world: World, succeeded: ReadonlySet<ActionId>): Plan {
    for (const id of succeeded) this.#succeeded.delete(id);
    const decided = plan(world);
    const inVain = decided.actions.filter((action) => succeeded.has(actionId(action)));
    for (const action of inVain) this.#fail(action, new Error("it succeeded, but nothing changed"));
    return inVain.length === 0 ? decided : plan(world);
  }

  /** Tells when there will be a place for what is still waiting; the end of another is one, too. */
  #startQueued(): number {
    const placeAtMs = new Map(this.#queue.map((action) => [action, this.#startIfPlace(action)]));
    this.#queue = this.#queue.filter((action) => placeAtMs.get(action) !== Number.POSITIVE_INFINITY);
    return Math.min(...placeAtMs.values());
  }

  /** Infinity: it has been started. */
  #startIfPlace(action: Action): number {
    const { clock, runtime, record, log } = this.#options;
    const nowMs = clock.nowMs();
    const placeAtMs = this.#inFlight.placeAtMs(action.kind, nowMs);
    if (placeAtMs > nowMs) return placeAtMs;
    log.info(action.kind, actionFields(action));
    this.#started.add(action);
    this.#inFlight.start(action, nowMs, async (signals) => {
      try {
        await execute(action, { runtime, record, ...signals });
        this.#failures.delete(actionId(action));
        this.#succeeded.add(actionId(action));
        log.debug(`${action.kind}: done`, { ...actionFields(action), ms: clock.nowMs() - nowMs });
      } catch (error) {
        if (signals.signal.aborted) log.info(`${action.kind}: canceled`, actionFields(action));
        else this.#fail(action, error);
      }
    });
    return Number.POSITIVE_INFINITY;
  }

  #fail(action: Action, error: unknown): void {
    const count = (this.#failures.get(actionId(action))?.count ?? 0) + 1;
    const told = error instanceof RuntimeError ? error : undefined;
    const failure = { reason: told?.reason ?? defaultReasons[action.kind], message: errorChain(error) };
    const nowMs = this.#options.clock.nowMs();
    const retryAtMs = told?.retryAtMs ?? nowMs + backOffMs(count, retryBackOff);
    this.#failures.set(actionId(action), { failure, backOff: told?.backOff, count, retryAtMs });
    failureEvents(action, failure).forEach(this.#options.record);
    this.#options.log.warn(`${action.kind}: failed`, {
      ...actionFields(action),
      reason: failure.reason,
      error: failure.message,
      retryInMs: retryAtMs - nowMs,
    });
  }

  /** A failure that was not tried again long after it could have been is one of something no longer asked for. */
  #forgetOldFailures(nowMs: number): void {
    const underWay = new Set(this.#inFlight.actions.map(actionId));
    for (const [id, { retryAtMs }] of this.#failures)
      if (nowMs - retryAtMs > retryBackOff.maxMs && !underWay.has(id)) this.#failures.delete(id);
  }

  #cannotObserve(reasons: readonly WakeReason[], error: unknown): void {
    const { clock, log, onPass } = this.#options;
    this.#observeFailures += 1;
    this.#queue = []; // as it was decided on what is not known to be so any more
    const delayMs = backOffMs(this.#observeFailures, observeBackOff);
    const text = errorChain(error);
    log.warn("Cannot look at the machine", { error: text, retryInMs: delayMs });
    this.#wakeAt(clock.nowMs() + delayMs);
    onPass({ kind: "unobserved", reasons, error: text, count: this.#observeFailures });
  }

  #wakeAt(atMs: number): void {
    const delayMs = atMs - this.#options.clock.nowMs();
    const reason = delayMs < resyncMs ? "due" : "resync";
    this.#cancelAlarm = this.#options.timers.after(Math.min(resyncMs, Math.max(0, delayMs)), () =>
      this.wake(reason),
    );
  }
}
