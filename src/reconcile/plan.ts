// What to do next: a function of the world and nothing else. Pure; with the files beside it the only place that decides.
// Invariants: at most one action a Pod, none for a Pod that has one in flight; where it is not certain that a Pod is unwanted,
// nothing of it is stopped or removed.
//
//   wanted:      nothing ──run──► running as written ◄──run, replacing it── running otherwise
//   (wanted.ts)                     │            ▲
//                                   ends         run, after its back-off          stage by stage: stages.ts
//                                   ▼            │
//                                  dead ─────────┘      restartPolicy says no: over, kept
//
//   running as written ──postStart, markReady, refresh──► the same; ──stop, for a fault of its own (ailing.ts)──► dead
//
//   not wanted:  running ──stop──► dead ──remove──► directory ──removePodDirectory──► nothing
//
//   either way:  prepared but never started, dead but not the last (garbage.ts) ──remove──► nothing

import { isHeld } from "../pod/desired.ts";
import { type ExitedRevision, lineageOf } from "../pod/lineage.ts";
import { type PodKey, podKeyOf } from "../pod/names.ts";
import type { Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { containersOf } from "../pod/stage.ts";
import type { Waiting } from "../pod/waiting.ts";
import { type Action, type ActionOf, actionId, BusyPods, deliberate } from "./action.ts";
import { excessOf, garbageDirectories, garbageOf, isUnwanted, removals } from "./garbage.ts";
import { lifeOf } from "./life.ts";
import { orderOf, stopOrder } from "./order.ts";
import { type Version, versionOf } from "./rollback.ts";
import { now, type PodSteps, type RunStep, type Step } from "./step.ts";
import { stepsOfWanted } from "./wanted.ts";
import type { World } from "./world.ts";

export interface Plan {
  /** What never failed comes first, so that it does not queue behind what does. */
  readonly actions: readonly Action[];
  /** In flight, and not to have an effect any more. */
  readonly cancel: readonly Action[];
  /** In flight, and of another version than is to run now: what has begun to take the old one down goes on, so that something runs. */
  readonly outdated: readonly Action[];
  /** When time alone makes another plan; undefined: never. */
  readonly recheckAtMs: number | undefined;
  /** Each Pod that is not as it should be, and why; what keeps it back most comes first. */
  readonly waiting: ReadonlyMap<PodKey, readonly Waiting[]>;
  /** The wanted Pods, each in the version that is to run: its last good one where it was rolled back. */
  readonly pods: readonly Pod[];
}

/** What is to become of the Pod of each key, and of directories that are nobody's. */
type Steps = ReadonlyMap<PodKey | undefined, PodSteps>;

type RevisionsByKey = ReadonlyMap<PodKey, readonly Revision[]>;

export function plan(world: World): Plan {
  const revisions = Map.groupBy(world.observation.revisions, ({ key }) => key);
  const versions = versionsOf(world, revisions);
  const steps = stepsByPod(world, { versions, revisions });
  const dueMs = ({ action, notBeforeMs }: Step) =>
    Math.max(notBeforeMs, world.failures.get(actionId(action))?.retryAtMs ?? 0);
  const actions: Action[] = [];
  const recheckMs = [...versions.values()].flatMap(({ readyByMs }) => readyByMs ?? []);
  const busy = new BusyPods(world.inFlight);
  for (const [key, { steps: ofPod }] of steps) {
    const free = ofPod.filter(({ action }) => !busy.isBusy(action));
    const due = free.filter((step) => dueMs(step) <= world.nowMs).map(({ action }) => action);
    // Of a Pod the first; of directories, each of which is another's, all.
    const chosen = key === undefined ? due : due.slice(0, 1);
    for (const action of chosen) busy.take(action);
    actions.push(...chosen);
    recheckMs.push(...free.map(dueMs).filter((ms) => ms > world.nowMs));
  }
  const failuresOf = (action: Action) => world.failures.get(actionId(action))?.count ?? 0;
  const obsolete = Map.groupBy(world.inFlight, (action) =>
    obsolescenceOf(action, { world, versions, steps }),
  );
  return {
    actions: actions.sort((a, b) => failuresOf(a) - failuresOf(b)),
    cancel: obsolete.get("unwanted") ?? [],
    outdated: obsolete.get("outdated") ?? [],
    recheckAtMs: recheckMs.length > 0 ? Math.min(...recheckMs) : undefined,
    waiting: waitingByPod(steps, world),
    pods: [...versions.values()].map(({ pod }) => pod),
  };
}

/** By the keys of the wanted Pods. */
function versionsOf(world: World, revisions: RevisionsByKey): ReadonlyMap<PodKey, Version> {
  return new Map(
    world.desired.pods.map((pod) => {
      const key = podKeyOf(pod);
      const known = { revisions: revisions.get(key) ?? [], good: world.good.get(pod.uid) };
      return [key, versionOf(pod, known, world)] as const;
    }),
  );
}

function stepsByPod(
  world: World,
  { versions, revisions }: { versions: ReadonlyMap<PodKey, Version>; revisions: RevisionsByKey },
): Steps {
  const { desired, observation } = world;
  const directories = new Map(observation.podDirectories.map((directory) => [directory.uid, directory]));
  const pods = [...versions.values()].map(({ pod }) => pod);
  const order = orderOf(pods, revisions, world);
  const steps = new Map<PodKey | undefined, PodSteps>();
  const spare: ExitedRevision[] = [];
  let surplusCount = 0;
  for (const [key, version] of versions) {
    const { pod } = version;
    const ofKey = revisions.get(key) ?? [];
    const life = lifeOf(pod, ofKey);
    const wanted = { ...version, key, revisions: ofKey, life, directory: directories.get(pod.uid) };
    const { steps: first, waiting } = stepsOfWanted(wanted, { world, order });
    const garbage = garbageOf({ key, pod, proof: version.proof }, life, world);
    const isSeen = desired.unreadable === undefined;
    steps.set(key, { steps: isSeen ? [...first, ...garbage.removals] : first, waiting });
    if (isSeen) spare.push(...garbage.spare);
    surplusCount += garbage.removals.length - life.lineage.prepared.length;
  }
  for (const step of excessOf(observation, spare, surplusCount)) {
    const ofPod = steps.get(step.action.key);
    if (ofPod) steps.set(step.action.key, { ...ofPod, steps: [...ofPod.steps, step] });
  }
  for (const [key, ofKey] of revisions)
    if (!versions.has(key) && isUnwanted(desired, ofKey))
      steps.set(key, { steps: stepsOfUnwanted(key, ofKey), waiting: [] });
  const used = [...desired.pods, ...pods];
  const directorySteps = garbageDirectories(desired, observation, used).map((uid) =>
    now({ kind: "removePodDirectory", uid, reason: "garbage" } as const),
  );
  return steps.set(undefined, { steps: directorySteps, waiting: [] });
}

function stepsOfUnwanted(key: PodKey, revisions: readonly Revision[]): readonly Step[] {
  const { running, stopping, prepared, exited } = lineageOf(revisions);
  if (running.length > 0) {
    const stop = { stop: deliberate, reason: "deleted" } as const;
    return [now({ kind: "stop", key, revisions: stopOrder(running, undefined), ...stop })];
  }
  if (stopping.length > 0) return [];
  return removals(key, [...prepared, ...exited], "deleted");
}

function obsolescenceOf(
  action: Action,
  { world, versions, steps }: { world: World; versions: ReadonlyMap<PodKey, Version>; steps: Steps },
): "unwanted" | "outdated" | undefined {
  if (action.kind !== "run" && action.kind !== "postStart") return undefined;
  const { key, pod } = action;
  const wanted = versions.get(key)?.pod;
  if (wanted === undefined) return isHeld(world.desired, pod.source.file) ? undefined : "unwanted";
  const { steps: ofPod = [], waiting = [] } = steps.get(key) ?? {};
  if (world.evict.has(key) || waiting.some(({ kind }) => kind === "failed")) return "unwanted";
  if (action.kind === "run") return wanted.specHash === pod.specHash ? undefined : "outdated";
  // A hook that goes on in what has ended, or is to end; or that was edited, which replaces nothing.
  return ofPod.some((step) => isSameHook(step.action, action)) ? undefined : "unwanted";
}

function isSameHook(asked: Action, { pod, revision }: ActionOf<"postStart">): boolean {
  const hooksOf = (of: Pod) =>
    JSON.stringify(containersOf(of.spec, revision.stage).map(({ name, postStart }) => [name, postStart]));
  if (asked.kind !== "postStart" || asked.revision.uuid !== revision.uuid) return false;
  return hooksOf(asked.pod) === hooksOf(pod);
}

function waitingByPod(steps: Steps, world: World): Plan["waiting"] {
  const all = new Map<PodKey, readonly Waiting[]>();
  for (const [key, { steps: ofPod, waiting }] of steps) {
    const told = ofPod.flatMap((step) => waitingFor(step, world));
    if (key !== undefined && waiting.length + told.length > 0) all.set(key, [...waiting, ...told]);
  }
  return all;
}

function waitingFor(step: Step, { failures, nowMs }: World): readonly Waiting[] {
  const { action } = step;
  const failed = failures.get(actionId(action));
  switch (action.kind) {
    case "run":
      return [waitingForRun({ ...step, action }, { failed, nowMs })];
    case "refresh":
      return [{ kind: "refresh", failure: failed?.failure }];
    case "stop":
    case "remove": {
      if (failed === undefined) return [];
      const { failure, count, retryAtMs } = failed;
      return [{ kind: "ending", failure, count, untilMs: retryAtMs }];
    }
    case "postStart":
    case "markReady":
    case "removePodDirectory":
      return [];
    default:
      return action satisfies never;
  }
}

function waitingForRun(
  { action, notBeforeMs, isBackOff }: RunStep,
  { failed, nowMs }: { failed: ReturnType<World["failures"]["get"]>; nowMs: number },
): Waiting {
  const { stage, backOffMs } = action.attempt;
  if (failed && failed.retryAtMs > nowMs) {
    const failure = (failed.count > 1 && failed.backOff) || failed.failure;
    return { kind: "retry", stage, failure, count: failed.count, untilMs: failed.retryAtMs };
  }
  if (isBackOff && notBeforeMs > nowMs) return { kind: "restart", stage, backOffMs, untilMs: notBeforeMs };
  return { kind: "starting", stage, failure: failed?.failure };
}
