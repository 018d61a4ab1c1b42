// What is shown of each stage of a Pod: which of its revisions, and what it waits for. Pure.

import { isSuccess } from "../pod/ending.ts";
import { type ExitedRevision, isExited, lineageOf } from "../pod/lineage.ts";
import { isLive, type Revision } from "../pod/observed-pod.ts";
import { containersOf, type Stage, serializeStage, stagesOf } from "../pod/stage.ts";
import type { Waiting } from "../pod/waiting.ts";
import { noProbes, type PodView, type ShownContainer } from "./shown-pod.ts";

/** Which revisions a container's status and its logs are about. */
export interface ShownRevisions {
  /** The live one, else the last that ended. */
  readonly current: Revision | undefined;
  /** The last that ended: also the current one, when the next is waited for. */
  readonly previous: ExitedRevision | undefined;
  readonly isLive: boolean;
}

export interface ShownStage extends ShownRevisions {
  readonly stage: Stage;
  readonly containers: readonly ShownContainer[];
  /** What its start waits for; `turn`: for that of another stage, or for other Pods; undefined: it is not to be started. */
  readonly waiting: StageWaiting | "turn" | undefined;
  /** `current` was made for the Pod as it is written now. */
  readonly isAsWritten: boolean;
}

export type StageWaiting = Extract<Waiting, { readonly kind: "starting" | "retry" | "restart" }>;

/** Of the Pod as it is written; or of what runs until that can be started. In the order in which they are run. */
export function shownStages(view: Pick<PodView, "pod" | "revisions" | "waiting">): readonly ShownStage[] {
  const { pod, revisions } = view;
  const older = olderVersion(view);
  if (older !== undefined) {
    const ofOlder = revisions.filter(({ specHash }) => specHash === older);
    return stagesIn(ofOlder).map((stage) => shownStage(stage, ofOlder, { pod, waiting: [] }));
  }
  return stagesOf(pod.spec).map((stage) => shownStage(stage, revisions, view));
}

/** The spec hash of what runs, where nothing runs of the Pod as it is written. */
function olderVersion({
  pod,
  revisions,
}: Pick<PodView, "pod" | "revisions">): Revision["specHash"] | undefined {
  const live = revisions.filter(isLive);
  if (live.some(({ specHash }) => specHash === pod.specHash)) return undefined;
  const { running, stopping } = lineageOf(live);
  return (running[0] ?? stopping[0])?.specHash;
}

/** The oldest first, as they were started in their order, and once each; the containers last. */
function stagesIn(revisions: readonly Revision[]): readonly Stage[] {
  const byAge = revisions.toSorted(
    (a, b) =>
      Number(a.stage.kind === "containers") - Number(b.stage.kind === "containers") ||
      a.createdAtMs - b.createdAtMs,
  );
  return [...new Map(byAge.map(({ stage }) => [serializeStage(stage), stage])).values()];
}

function shownStage(
  stage: Stage,
  revisions: readonly Revision[],
  { pod, waiting }: Pick<PodView, "pod" | "waiting">,
): ShownStage {
  const ofStage = revisions.filter((revision) => isSameStage(revision.stage, stage));
  const { running, stopping, exited } = lineageOf(ofStage);
  const live = running.find(({ specHash }) => specHash === pod.specHash) ?? running[0] ?? stopping[0];
  const current = live ?? exited[0];
  const isAsWritten = current?.specHash === pod.specHash;
  const awaited = live ? undefined : stageWaiting(stage, { current, isAsWritten, waiting });
  const isPast = live === undefined && awaited === undefined;
  return {
    stage,
    containers: isAsWritten || !live ? containersOf(pod.spec, stage) : containersIn(live, pod),
    current,
    previous: isPast ? exited[1] : exited[0],
    isLive: live !== undefined,
    waiting: awaited,
    isAsWritten,
  };
}

/** Of a revision of another version: an app has the probes of the container that has its name now. */
function containersIn({ apps }: Revision, { spec }: PodView["pod"]): readonly ShownContainer[] {
  const known = [...spec.initContainers, ...spec.containers];
  return apps.map(
    ({ name, imageId }) =>
      known.find((container) => container.name === name) ?? { ...noProbes, name, image: imageId },
  );
}

/** Of a stage of which nothing runs. */
function stageWaiting(
  stage: Stage,
  {
    current,
    isAsWritten,
    waiting,
  }: { current: Revision | undefined; isAsWritten: boolean; waiting: readonly Waiting[] },
): ShownStage["waiting"] {
  const own = waiting.find(
    (one): one is StageWaiting => isStageWaiting(one) && isSameStage(one.stage, stage),
  );
  if (own !== undefined) return own;
  if (isAsWritten && stage.kind === "init" && current && isExited(current) && isSuccess(current))
    return undefined;
  const isComing = waiting.some(
    (one) => isStageWaiting(one) || one.kind === "after" || one.kind === "initializing",
  );
  return isComing || current === undefined ? "turn" : undefined;
}

function isStageWaiting(waiting: Waiting): waiting is StageWaiting {
  return waiting.kind === "starting" || waiting.kind === "retry" || waiting.kind === "restart";
}

function isSameStage(a: Stage, b: Stage): boolean {
  return serializeStage(a) === serializeStage(b);
}
