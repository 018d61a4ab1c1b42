// The revisions of one Pod, sorted by what they are and by age. Pure.
// Invariant: the wall clock, which may step, decides only where nothing better is known.

import type { Revision, RevisionState } from "./observed-pod.ts";

export type ExitedRevision = Revision & {
  readonly state: Extract<RevisionState, { readonly kind: "exited" }>;
};

export interface Lineage {
  readonly prepared: readonly Revision[];
  /** The newest first. */
  readonly running: readonly Revision[];
  readonly stopping: readonly Revision[];
  /** The last to end first. */
  readonly exited: readonly ExitedRevision[];
}

export function lineageOf(revisions: readonly Revision[]): Lineage {
  const ofKind = (kind: RevisionState["kind"]) => revisions.filter(({ state }) => state.kind === kind);
  return {
    prepared: ofKind("prepared"),
    running: ofKind("running").sort(newestFirst),
    stopping: ofKind("stopping").sort(newestFirst),
    exited: revisions
      .filter(isExited)
      .sort((a, b) => b.state.finishedMs - a.state.finishedMs || stoppedLast(a, b) || newestFirst(a, b)),
  };
}

export function isExited(revision: Revision): revision is ExitedRevision {
  return revision.state.kind === "exited";
}

/** What was stopped made room for what came after it, which may have ended within the same step of the clock. */
function stoppedLast(a: ExitedRevision, b: ExitedRevision): number {
  return Number(a.state.isStopped) - Number(b.state.isStopped);
}

function newestFirst(a: Revision, b: Revision): number {
  const byCount = a.specHash === b.specHash ? b.restartCount - a.restartCount : 0;
  return byCount || b.createdAtMs - a.createdAtMs || (a.uuid < b.uuid ? 1 : -1);
}
