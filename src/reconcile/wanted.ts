// What is to become of a Pod that is wanted. Pure.
// Invariants: nothing that runs as written is stopped without a cause; where what is wanted may be old (the directory cannot be read), what
// is down is started and what is up is stopped only for a fault of its own.

import { contentHash, objectsHash } from "../pod/content-hash.ts";
import { acceptedHash, serializeAcceptedPod } from "../pod/desired.ts";
import type { PodKey } from "../pod/names.ts";
import type { Failure, PodDirectory, Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { isPodReady } from "../pod/readiness.ts";
import { evictionGraceSeconds } from "../pod/shortage.ts";
import { containersStage, type Stage, stagesOf } from "../pod/stage.ts";
import type { Waiting } from "../pod/waiting.ts";
import { type ActionOf, deliberate } from "./action.ts";
import { ailmentsOf, postStartOf } from "./ailing.ts";
import { deadlineExceeded, deadlineMs } from "./deadline.ts";
import type { Life } from "./life.ts";
import { type Order, stopOrder } from "./order.ts";
import { nextStart } from "./restart.ts";
import type { Version } from "./rollback.ts";
import type { Attempt, Stop } from "./runtime.ts";
import { isOver, nextStages } from "./stages.ts";
import { notBefore, now, type PodSteps, type RunStep, type Step } from "./step.ts";
import type { World } from "./world.ts";

export interface WantedPod extends Pick<Version, "pod" | "rolledBack"> {
  readonly key: PodKey;
  /** All of its key. */
  readonly revisions: readonly Revision[];
  readonly life: Life;
  readonly directory: PodDirectory | undefined;
}

export interface Surroundings {
  readonly world: World;
  readonly order: Order;
}

export function stepsOfWanted(wanted: WantedPod, around: Surroundings): PodSteps {
  const { steps, waiting } = allSteps(wanted, around);
  const { rolledBack } = wanted;
  return {
    steps: around.world.desired.unreadable === undefined ? steps : steps.filter(isSafeUnseen),
    waiting: rolledBack ? [...waiting, { kind: "rolledBack", failure: rolledBack }] : waiting,
  };
}

/** Also where the manifests cannot be seen. */
function isSafeUnseen({ action }: Step): boolean {
  if (action.kind === "run") return action.replaces.length === 0;
  if (action.kind === "stop") return action.stop.cause !== undefined;
  return action.kind === "postStart" || action.kind === "markReady";
}

function allSteps(wanted: WantedPod, around: Surroundings): PodSteps {
  const { pod, key, life } = wanted;
  const { world } = around;
  const evicted = world.evict.get(key);
  if (evicted) return { steps: failed(wanted, evicted), waiting: [{ kind: "evicted", failure: evicted }] };
  const isReplaced = life.foreign.length > 0 && life.running.length === 0;
  if (!isReplaced && isOver(pod, life))
    return {
      steps: stopping(wanted, life.lineage.running, { stop: deliberate, reason: "completed" }),
      waiting: [],
    };
  if (isReplaced || life.sinceMs === undefined || life.isEnded) return firstRun(wanted, around);
  const overMs = deadlineMs(pod, life) ?? Number.POSITIVE_INFINITY;
  if (overMs <= world.nowMs) {
    const failure = deadlineExceeded;
    return { steps: failed(wanted, failure), waiting: [{ kind: "failed", failure }] };
  }
  const { steps, waiting } = stepsOfLife(wanted, around);
  if (overMs === Number.POSITIVE_INFINITY) return { steps, waiting };
  const atDeadline = failed(wanted, deadlineExceeded).map(({ action }) => notBefore(overMs, action));
  return { steps: [...steps, ...atDeadline], waiting };
}

/** The first stage of a Pod that is not there, or not as written. */
function firstRun(wanted: WantedPod, around: Surroundings): PodSteps {
  const { pod, life, rolledBack } = wanted;
  const isUrgent = rolledBack !== undefined && life.foreign.length > 0;
  const awaited = isUrgent ? undefined : around.order.awaited(pod);
  if (awaited) return { steps: [], waiting: [awaited] };
  const stage = stagesOf(pod.spec)[0] ?? containersStage;
  const { exited, running, stopping: ending } = life.lineage;
  const isOther = life.foreign.length > 0 || (exited[0] && exited[0].specHash !== pod.specHash);
  const run = runOf(wanted, around, {
    attempt: { restartCount: 0, backOffMs: 0, activeSinceMs: undefined, networkOf: undefined, stage },
    replaces: stopOrder([...running, ...ending], pod.spec),
    reason: rolledBack ? "rolledBack" : isOther ? "changed" : "added",
  });
  return { steps: [now(run)], waiting: [] };
}

function stepsOfLife(wanted: WantedPod, around: Surroundings): PodSteps {
  const { pod, key, life, revisions } = wanted;
  const { world } = around;
  const ailments = ailmentsOf(pod, life.running, { revisions, world });
  const ailing = ailments.flatMap(({ revisions: ill }) => ill);
  const hooks = life.running.filter((one) => !one.isPostStarted && !ailing.includes(one));
  const next = nextStages(pod, life, world);
  const awaited = life.isOfThisBoot ? undefined : around.order.awaited(pod);
  const owner = networkOwner(pod, life);
  const isNetworkAwaited = owner !== undefined && isSettingUp(owner) && next.toStart.length > 0;
  // What is not to run has to be gone first, also where it cannot be stopped at once.
  const isBlocked =
    awaited !== undefined || isNetworkAwaited || life.foreign.length + life.surplus.length > 0;
  const runs = isBlocked ? [] : next.toStart.map((stage) => nextRun(wanted, around, stage));
  const atContainers = life.at(containersStage).running;
  const isNewlyReady = atContainers && !atContainers.wasReady && isPodReady(pod, revisions, world.health);
  const waiting: Waiting[] = awaited && next.toStart.length > 0 ? [awaited] : [];
  const initializing = next.awaited ?? (isNetworkAwaited ? owner.stage : undefined);
  if (initializing) waiting.push({ kind: "initializing", stage: initializing });
  return {
    steps: [
      ...stopping(wanted, life.foreign, { stop: makingRoom(wanted), reason: "superseded" }),
      ...stopping(wanted, life.surplus, { stop: deliberate, reason: "superseded" }),
      ...ailments.flatMap(({ revisions: ill, ...stop }) => stopping(wanted, ill, { stop, reason: "failed" })),
      ...hooks.map((revision) => now(postStartOf(pod, revision))),
      ...runs,
      ...(isNewlyReady
        ? [now({ kind: "markReady", key, pod, revision: atContainers, reason: "ready" } as const)]
        : []),
      ...(life.running.length > 0 ? refresh(wanted, world) : []),
    ],
    waiting,
  };
}

/** The start of a stage in a life that goes on: its first in it, or another one. */
function nextRun(wanted: WantedPod, around: Surroundings, stage: Stage): RunStep {
  const { pod, life } = wanted;
  const { last } = life.at(stage);
  const first = { restartCount: 0, backOffMs: 0, notBeforeMs: 0, isBackOff: false };
  const start = last ? nextStart(last, pod.life.restartBackOff) : first;
  const { notBeforeMs, isBackOff, ...counts } = start;
  const action = runOf(wanted, around, {
    attempt: { ...counts, activeSinceMs: life.sinceMs, networkOf: networkOwner(pod, life)?.uuid, stage },
    replaces: [],
    reason: last ? "ended" : "next",
  });
  return { action, notBeforeMs, isBackOff };
}

/** The first that is live has set the network up for all; a network of the host's needs none. */
function networkOwner({ spec }: Pod, { running }: Life): Revision | undefined {
  return spec.hostNetwork ? undefined : running.find(({ networkOf }) => networkOf === undefined);
}

/** Its unit is active a moment before its network can be joined, which it can be once its apps are started. */
function isSettingUp({ apps }: Revision): boolean {
  return apps.every(({ state }) => state.kind === "created");
}

function runOf(
  wanted: WantedPod,
  { world, order }: Surroundings,
  run: Pick<ActionOf<"run">, "replaces" | "reason"> & { readonly attempt: Omit<Attempt, "after" | "before"> },
): ActionOf<"run"> {
  const { pod, key, life } = wanted;
  return {
    kind: "run",
    key,
    pod,
    objects: objectsHash(pod, world.desired.objects),
    stop: makingRoom(wanted),
    ...run,
    attempt: { ...run.attempt, ...order.ofUnit(pod, run.attempt.stage, life) },
  };
}

/** How what is not as the Pod is to run is stopped: what was rolled back has to be known as that. */
function makingRoom({ rolledBack }: WantedPod): Stop {
  return rolledBack ? { cause: rolledBack, graceSeconds: undefined } : deliberate;
}

/** A preparation writes the volumes and the kept manifest too, so this is only for a Pod that runs. */
function refresh({ pod, key, directory }: WantedPod, { desired }: World): readonly Step[] {
  const content = contentHash(pod, desired.objects);
  const accepted = acceptedHash(serializeAcceptedPod(pod));
  if ((content === undefined || content === directory?.content) && accepted === directory?.accepted)
    return [];
  return [now({ kind: "refresh", key, pod, content, accepted, reason: "changed" })];
}

/** All of it is stopped. */
function failed(wanted: WantedPod, cause: Failure): readonly Step[] {
  const stop = { cause, graceSeconds: cause.reason === "Evicted" ? evictionGraceSeconds : undefined };
  return stopping(wanted, wanted.life.lineage.running, { stop, reason: "failed" });
}

function stopping(
  { pod, key }: WantedPod,
  revisions: readonly Revision[],
  how: { readonly stop: Stop; readonly reason: ActionOf<"stop">["reason"] },
): readonly Step[] {
  const running = stopOrder(revisions.filter(isRunning), pod.spec);
  return running.length === 0 ? [] : [now({ kind: "stop", key, revisions: running, ...how })];
}

function isRunning({ state }: Revision): boolean {
  return state.kind === "running";
}
