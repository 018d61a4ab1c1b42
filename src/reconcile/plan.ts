// What to do next: a function of the world and nothing else. Pure, and the only place that decides.
// Invariants: at most one action a Pod, none for a Pod that has one in flight; where it is not certain that a Pod is unwanted,
// nothing of it is stopped or removed.
//
//   wanted:      nothing ──run──► running as written ◄──run, replacing it── running otherwise
//                                   │            ▲
//                                   ends         run, after its back-off
//                                   ▼            │
//                                  dead ─────────┘      restartPolicy says no: completed, kept
//
//   running as written, and its ConfigMaps have changed ──refresh──► the same, with other files in its volumes
//
//   not wanted:  running ──stop──► dead ──remove──► directory ──removePodDirectory──► nothing
//
//   either way:  prepared but never started, dead but not the last ──remove──► nothing

import type { ConfigObjects } from "../pod/config-objects.ts";
import { contentHash, objectsHash } from "../pod/content-hash.ts";
import { type Desired, isHeld } from "../pod/desired.ts";
import type { HealthByRevision } from "../pod/health.ts";
import { type Lineage, lineageOf } from "../pod/lineage.ts";
import { type ContentHash, type PodKey, type PodUid, podKey } from "../pod/names.ts";
import type { Failure, Observation, Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { containersStage } from "../pod/stage.ts";
import type { Waiting } from "../pod/waiting.ts";
import { type Action, type ActionId, type ActionOf, actionId, isForSamePod } from "./action.ts";
import { isRestarted, nextBackOffMs } from "./restart.ts";

export interface World {
  /** With the uids of what runs (adopt-uid.ts). */
  readonly desired: Desired;
  readonly observation: Observation;
  /** By what was tried; forgotten once it succeeds. */
  readonly failures: ReadonlyMap<ActionId, AttemptFailure>;
  /** What the probes say of what runs. */
  readonly health: HealthByRevision;
  /** Actions that had not ended when the look at the machine began. */
  readonly inFlight: readonly Action[];
  /** Monotonic. */
  readonly nowMs: number;
}

export interface AttemptFailure {
  readonly failure: Failure;
  /** What is told of it from the second try in a row on; undefined: the same. */
  readonly backOff?: Failure | undefined;
  /** Tries in a row. */
  readonly count: number;
  readonly retryAtMs: number;
}

export interface Plan {
  /** What never failed comes first, so that it does not queue behind what does. */
  readonly actions: readonly Action[];
  /** In flight, for a Pod that is not wanted like that any more. */
  readonly cancel: readonly Action[];
  /** When time alone makes another plan; undefined: never. */
  readonly recheckAtMs: number | undefined;
  /** Each Pod that is not as it should be, and why; what keeps it back most comes first. */
  readonly waiting: ReadonlyMap<PodKey, readonly Waiting[]>;
}

/** An action that the world asks for; of a Pod's steps the first that is due is taken. */
interface Step<A extends Action = Action> {
  readonly action: A;
  /** When its back-off ends; 0: it has none. */
  readonly notBeforeMs: number;
}

export function plan(world: World): Plan {
  const steps = stepsByPod(world);
  const dueMs = ({ action, notBeforeMs }: Step) =>
    Math.max(notBeforeMs, world.failures.get(actionId(action))?.retryAtMs ?? 0);
  const actions: Action[] = [];
  const recheckMs: number[] = [];
  for (const ofPod of steps) {
    const free = ofPod.filter(
      ({ action }) => ![...world.inFlight, ...actions].some((other) => isForSamePod(other, action)),
    );
    const due = free.find((step) => dueMs(step) <= world.nowMs);
    if (due) actions.push(due.action);
    recheckMs.push(...free.map(dueMs).filter((ms) => ms > world.nowMs));
  }
  const failuresOf = (action: Action) => world.failures.get(actionId(action))?.count ?? 0;
  return {
    actions: actions.sort((a, b) => failuresOf(a) - failuresOf(b)),
    cancel: world.inFlight.filter((action) => action.kind === "run" && isObsolete(action, world.desired)),
    recheckAtMs: recheckMs.length > 0 ? Math.min(...recheckMs) : undefined,
    waiting: new Map(
      steps
        .flat()
        .filter(isAwaited)
        .map((step) => [step.action.key, [waitingFor(step, world)]]),
    ),
  };
}

function stepsByPod({ desired, observation }: World): (readonly Step[])[] {
  const revisions = Map.groupBy(observation.revisions, ({ key }) => key);
  const wanted = new Set(desired.pods.map(keyOf));
  const unwanted = [...revisions].filter(
    ([key, ofKey]) => !wanted.has(key) && !ofKey.some(({ manifest }) => isHeld(desired, manifest)),
  );
  const contents = new Map(observation.podDirectories.map(({ uid, content }) => [uid, content]));
  return [
    ...desired.pods.map((pod) =>
      stepsOfWanted(pod, lineageOf(revisions.get(keyOf(pod)) ?? []), {
        desired,
        content: contents.get(pod.uid),
      }),
    ),
    ...unwanted.map(([key, ofKey]) => stepsOfUnwanted(key, lineageOf(ofKey))),
    ...garbageDirectories(desired, observation).map((uid) => [
      now({ kind: "removePodDirectory", uid, reason: "garbage" }),
    ]),
  ];
}

interface Surroundings {
  readonly desired: Desired;
  /** Of the Pod's directory. */
  readonly content: ContentHash | undefined;
}

function stepsOfWanted(pod: Pod, lineage: Lineage, { desired, content }: Surroundings): readonly Step[] {
  const key = keyOf(pod);
  const kept = lineage.running.find(({ specHash }) => specHash === pod.specHash);
  const run = kept ? [] : runSteps(pod, lineage, desired.objects);
  // What is known of an unreadable directory may be old: good enough to start what is down, not to stop what is up.
  if (desired.unreadable !== undefined) return run.filter(({ action }) => action.replaces.length === 0);
  const surplus = kept ? lineage.running.filter((revision) => revision !== kept) : [];
  return [
    ...(surplus.length > 0 ? [now({ kind: "stop", key, revisions: surplus, reason: "superseded" })] : []),
    ...run,
    ...(kept ? refreshSteps(pod, { desired, content }) : []),
    ...removals(key, lineage.prepared, "neverStarted"),
    // The last one stays: its log, and for a completed Pod that it completed.
    ...removals(key, lineage.exited.slice(1), "superseded"),
  ];
}

/** The start of a Pod that is not running as written, if it is to be started at all. */
function runSteps(
  pod: Pod,
  { running, stopping, exited }: Lineage,
  objects: ConfigObjects,
): readonly Step<ActionOf<"run">>[] {
  const run = {
    kind: "run",
    key: keyOf(pod),
    pod,
    objects: objectsHash(pod, objects),
    replaces: [],
  } as const;
  const ofPod = {
    stage: containersStage,
    networkOf: undefined,
    activeSinceMs: undefined,
    after: [],
    before: [],
  };
  const first = { restartCount: 0, backOffMs: 0, ...ofPod };
  const live = [...running, ...stopping];
  if (live.some(({ specHash }) => specHash !== pod.specHash))
    return [now({ ...run, attempt: first, replaces: live, reason: "changed" })];
  if (live.length > 0) return []; // it is stopping, and its end wakes us
  const [last] = exited;
  // Stopped on request, yet wanted: an edit was taken back, or the file was away for a moment.
  if (last === undefined || (last.specHash === pod.specHash && last.state.isStopped))
    return [now({ ...run, attempt: first, reason: "added" })];
  if (last.specHash !== pod.specHash) return [now({ ...run, attempt: first, reason: "changed" })];
  if (!isRestarted(pod.spec.restartPolicy, last)) return [];
  const { finishedMs, ranForMs } = last.state;
  // A new boot is a new beginning: what made it crash may be gone.
  const backOffMs = finishedMs <= 0 ? 0 : nextBackOffMs(last, ranForMs);
  const attempt = { restartCount: last.restartCount + 1, backOffMs, ...ofPod };
  return [{ action: { ...run, attempt, reason: "ended" }, notBeforeMs: finishedMs + backOffMs }];
}

/** A preparation writes the volumes too, so this is only for a Pod that runs. */
function refreshSteps(pod: Pod, { desired, content: written }: Surroundings): readonly Step[] {
  const content = contentHash(pod, desired.objects);
  if (content === undefined || content === written) return [];
  return [now({ kind: "refresh", key: keyOf(pod), pod, content, reason: "changed" })];
}

function stepsOfUnwanted(key: PodKey, { running, stopping, prepared, exited }: Lineage): readonly Step[] {
  if (running.length > 0) return [now({ kind: "stop", key, revisions: running, reason: "deleted" })];
  if (stopping.length > 0) return [];
  return removals(key, [...prepared, ...exited], "deleted");
}

function removals(
  key: PodKey,
  revisions: readonly Revision[],
  reason: ActionOf<"remove">["reason"],
): readonly Step[] {
  return revisions.map((revision) => now({ kind: "remove", key, revision, reason }));
}

function garbageDirectories(desired: Desired, { podDirectories, revisions }: Observation): readonly PodUid[] {
  if (desired.unreadable !== undefined) return [];
  const used = new Set([...desired.pods.map(({ uid }) => uid), ...revisions.map(({ podUid }) => podUid)]);
  return podDirectories.map(({ uid }) => uid).filter((uid) => !used.has(uid));
}

function isObsolete({ key, pod }: ActionOf<"run">, desired: Desired): boolean {
  const wanted = desired.pods.find((candidate) => keyOf(candidate) === key);
  return wanted ? wanted.specHash !== pod.specHash : !isHeld(desired, pod.source.file);
}

function waitingFor(step: Step<AwaitedAction>, { failures, nowMs }: World): Waiting {
  const failed = failures.get(actionId(step.action));
  if (step.action.kind === "refresh") return { kind: "refresh", failure: failed?.failure };
  const { stage } = step.action.attempt;
  if (failed && failed.retryAtMs > nowMs) {
    const failure = (failed.count > 1 && failed.backOff) || failed.failure;
    return { kind: "retry", stage, failure, count: failed.count, untilMs: failed.retryAtMs };
  }
  if (step.notBeforeMs > nowMs)
    return { kind: "restart", stage, backOffMs: step.action.attempt.backOffMs, untilMs: step.notBeforeMs };
  return { kind: "starting", stage, failure: failed?.failure };
}

/** Without which a Pod is not as it should be. */
type AwaitedAction = ActionOf<"run"> | ActionOf<"refresh">;

function isAwaited(step: Step): step is Step<AwaitedAction> {
  return step.action.kind === "run" || step.action.kind === "refresh";
}

function now<A extends Action>(action: A): Step<A> {
  return { action, notBeforeMs: 0 };
}

function keyOf({ namespace, name }: Pod): PodKey {
  return podKey(namespace, name);
}
