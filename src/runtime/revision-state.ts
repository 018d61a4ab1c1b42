// What systemd, rkt and the pod's directory together say of a revision. Pure.
// Invariant: the unit decides what runs, as systemd stops and counts by it; rkt decides where there is no unit.

import type { ObservedApp, RevisionState } from "../pod/observed-pod.ts";
import type { RktApp, RktPod } from "../rkt/rkt-pod.ts";
import type { Finished } from "../systemd/pod-unit.ts";
import type { UnitState } from "../systemd/systemd.ts";
import type { RevisionRecord, StopMarker } from "./revision-record.ts";

/** What the finish marker tells. */
export interface End {
  /** Milliseconds since the epoch. */
  readonly markedAtMs: number;
  /** Undefined where a crash of the machine left an empty marker. */
  readonly finished: Finished | undefined;
}

/** systemd runs or stops it, so that no marker tells of an end yet. */
export function isUp(unit: UnitState | undefined): boolean {
  return !["inactive", "failed", undefined].includes(unit?.activeState);
}

export function stateKind(
  unit: UnitState | undefined,
  pod: RktPod | undefined,
  hasFinished: boolean,
): RevisionState["kind"] {
  switch (unit?.activeState) {
    case "active":
    case "activating":
    case "reloading":
      return "running";
    case "deactivating":
      return "stopping";
    default:
  }
  if (pod?.state === "running") return "running";
  if (pod?.state === "prepared" && unit?.activeState !== "failed" && !hasFinished) return "prepared";
  return "exited";
}

/** Whether a stop that was announced is what ended it; one that never came (a kill in between) is not. */
export function isStopOf(marker: StopMarker | undefined, end: End | undefined): boolean {
  return marker !== undefined && (marker.hasHooks || end?.finished?.isStopRequested !== false);
}

export function observedApps(
  pod: RktPod,
  state: RevisionState,
  end: End | undefined,
): readonly ObservedApp[] {
  return pod.apps.map((app) => {
    const { name, imageId } = app;
    if (state.kind === "exited") {
      const exitCode = exitCodeOf(app, pod, state, end?.finished);
      // Not rkt's time, which is that of its garbage collection.
      return exitedApp({ name, imageId }, exitCode, end?.markedAtMs);
    }
    if (app.exitCode !== undefined || app.state === "exited")
      return exitedApp({ name, imageId }, app.exitCode, undefined);
    return { name, imageId, state: { kind: app.state === "running" ? "running" : "created" } };
  });
}

/**
 * Of a pod that somebody has removed from rkt (`rkt rm`, `rkt gc`): its unit's own end is left, which is that of the first app that failed,
 * or 0 where none did.
 */
export function removedApps(
  apps: RevisionRecord["apps"],
  state: RevisionState,
  end: End | undefined,
): readonly ObservedApp[] {
  const { finished } = end ?? {};
  const exitCode = finished?.exitCode === "exited" ? Number(finished.exitStatus) : undefined;
  const isToldOf = exitCode === 0 ? !isEndedFromOutside(state, finished) : apps.length === 1;
  return apps.map((app) => exitedApp(app, isToldOf ? exitCode : undefined, end?.markedAtMs));
}

function exitedApp(
  app: Pick<ObservedApp, "name" | "imageId">,
  exitCode: number | undefined,
  finishedAtMs: number | undefined,
): ObservedApp {
  return { ...app, state: { kind: "exited", exitCode, finishedAtMs, message: "" } };
}

function exitCodeOf(
  { exitCode }: RktApp,
  { apps, startedAtMs }: RktPod,
  state: RevisionState,
  finished: Finished | undefined,
): number | undefined {
  if (isEndedFromOutside(state, finished)) return exitCode === 0 ? undefined : exitCode;
  // The fly stage1 keeps no code, but the unit's main process is its only app.
  const isMainProcess = apps.length === 1 && startedAtMs !== undefined && finished?.exitCode === "exited";
  return exitCode ?? (isMainProcess ? Number(finished.exitStatus) : undefined);
}

/** A shutdown, a stop by hand, or ours for its fault: a 0 is then no word of the app's, and must not make the Pod a completed one. */
function isEndedFromOutside(state: RevisionState, finished: Finished | undefined): boolean {
  if (state.kind !== "exited" || state.isStopped) return false;
  return finished?.isStopRequested === true || state.killed !== undefined;
}

/** Whether its apps were ever started. */
export function hasStarted(
  pod: RktPod | undefined,
  record: RevisionRecord | undefined,
  end: End | undefined,
): boolean {
  if (pod !== undefined) return pod.startedAtMs !== undefined;
  const { finished } = end ?? {};
  const rktFailed = finished?.exitCode === "exited" && finished.exitStatus === "254";
  return record !== undefined && finished !== undefined && !rktFailed;
}
