// One Pod's life as it is written: from its first start until it is replaced, not wanted any more, or over. Pure.
// Invariant: the revisions tell it all, so that the next agent goes on with the same life.

import { type ExitedRevision, type Lineage, lineageOf } from "../pod/lineage.ts";
import { isLive, type Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { type Stage, serializeStage, stagesOf } from "../pod/stage.ts";

export interface Life {
  /** Of the Pod's key, whatever they were made for. */
  readonly lineage: Lineage;
  /** Runs or is stopping, and is not as the Pod is written. */
  readonly foreign: readonly Revision[];
  /** Run as written, one a stage. */
  readonly running: readonly Revision[];
  /** Run as written, but a newer one of their stage does too, or they have none. */
  readonly surplus: readonly Revision[];
  /** Revision.activeSinceMs of this life; undefined: it has not begun. */
  readonly sinceMs: number | undefined;
  /** Some of it ran and was stopped on request: if it is wanted, it is another life. */
  readonly isEnded: boolean;
  /** Some of it has run in this boot. */
  readonly isOfThisBoot: boolean;
  /** What had ended by then did it for nothing: when an eviction cleared its volumes; 0: the boot. */
  readonly clearedMs: number;
  /** Its last stage was reached since then: the stages before it hold up nothing any more. */
  readonly isInitialized: boolean;
  /** Those that ended in this life. */
  readonly ended: readonly ExitedRevision[];
  /** What is there of a stage in this life. */
  at(stage: Stage): StageLife;
}

export interface StageLife {
  readonly running: Revision | undefined;
  readonly isStopping: boolean;
  /** The last to end that was not stopped on request. */
  readonly last: ExitedRevision | undefined;
}

const nothing: StageLife = { running: undefined, isStopping: false, last: undefined };

/** `revisions` are those of the Pod's key. */
export function lifeOf(pod: Pick<Pod, "specHash" | "spec">, revisions: readonly Revision[]): Life {
  const lineage = lineageOf(revisions);
  const { running, stopping, exited } = lineage;
  const isAsWritten = ({ specHash }: Revision) => specHash === pod.specHash;
  const written = running.filter(isAsWritten);
  const live = [...written, ...stopping.filter(isAsWritten)];
  const head = live[0] ?? exited.slice(0, 1).find(isAsWritten);
  // What is live is of this life, whatever it says: nothing is started beside it.
  const ofLife = revisions.filter((one) => isAsWritten(one) && head && (isLive(one) || isOneLife(one, head)));
  const byStage = new Map(
    [...Map.groupBy(ofLife, ({ stage }) => serializeStage(stage))].map(([key, ofStage]) => [
      key,
      lineageOf(ofStage),
    ]),
  );
  const kept = stagesOf(pod.spec).flatMap(
    (stage) => byStage.get(serializeStage(stage))?.running.slice(0, 1) ?? [],
  );
  const ended = lineageOf(ofLife).exited;
  const evicted = ended.filter(({ state }) => state.killed?.reason === "Evicted");
  const clearedMs = Math.max(0, ...evicted.map(({ state }) => state.finishedMs));
  return {
    lineage,
    foreign: revisions.filter((one) => isLive(one) && !isAsWritten(one)),
    running: kept,
    surplus: written.filter((one) => !kept.includes(one)),
    sinceMs: head?.activeSinceMs,
    isEnded: live.length === 0 && ended.some(({ state }) => state.isStopped),
    isOfThisBoot: ofLife.some((one) => hasRunSince(0, one)),
    clearedMs,
    isInitialized: ofLife.some((one) => one.stage.kind === "containers" && hasRunSince(clearedMs, one)),
    ended,
    at: (stage) => stageLife(byStage.get(serializeStage(stage))),
  };
}

/** In an earlier boot a life's beginning is only known by the wall clock, about. */
export function isOneLife(a: Pick<Revision, "activeSinceMs">, b: Pick<Revision, "activeSinceMs">): boolean {
  if (a.activeSinceMs === b.activeSinceMs) return true;
  return a.activeSinceMs < 0 && b.activeSinceMs < 0 && Math.abs(a.activeSinceMs - b.activeSinceMs) < 1000;
}

function hasRunSince(ms: number, { state }: Revision): boolean {
  return state.kind === "exited" ? state.finishedMs > ms : state.kind !== "prepared";
}

function stageLife(lineage: Lineage | undefined): StageLife {
  if (lineage === undefined) return nothing;
  return {
    running: lineage.running[0],
    isStopping: lineage.stopping.length > 0,
    last: lineage.exited.find(({ state }) => !state.isStopped),
  };
}
