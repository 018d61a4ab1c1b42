// What is left of what ended and nobody needs: revisions and directories. Pure.
// Invariants: of each stage of a wanted Pod the last dead revision is kept, for its log and as the next start depends on it, but where the
// disk is short for the latter alone; nothing of a Pod that may be wanted is removed.

import { type Desired, isHeld } from "../pod/desired.ts";
import type { ExitedRevision } from "../pod/lineage.ts";
import type { PodKey, PodUid } from "../pod/names.ts";
import type { Observation, Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { serializeStage, stagesOf } from "../pod/stage.ts";
import type { ActionOf } from "./action.ts";
import type { Life } from "./life.ts";
import { notBefore, now, type Step } from "./step.ts";
import type { World } from "./world.ts";

const minuteMs = 60_000;
/** As long as a person may want to look at what just ended (kubelet: minimum-container-ttl-duration). */
const leastAgeMs = minuteMs;
/** Of all Pods together (kubelet: maximum-dead-containers), as far as they are kept for their logs alone. */
const deadMax = 100;

type Removal = Step<ActionOf<"remove">>;

export interface Garbage {
  readonly removals: readonly Removal[];
  /** Kept only for their logs. */
  readonly spare: readonly ExitedRevision[];
}

/** Of a wanted Pod; `proof` is kept in any case. */
export function garbageOf(
  { key, pod, proof }: { readonly key: PodKey; readonly pod: Pod; readonly proof: readonly Revision[] },
  { lineage, running }: Life,
  { isDiskShort, evict }: Pick<World, "isDiskShort" | "evict">,
): Garbage {
  const stages = stagesOf(pod.spec).map(serializeStage);
  const up = new Set(running.map(({ stage }) => serializeStage(stage)));
  const seen = new Set<string>();
  const surplus: ExitedRevision[] = [];
  const spare: ExitedRevision[] = [];
  for (const revision of lineage.exited) {
    const stage = serializeStage(revision.stage);
    const isLast = stages.includes(stage) && !seen.has(stage);
    seen.add(stage);
    if (proof.includes(revision)) continue;
    // What it has written is what it was evicted for, and nothing is started that depends on it.
    if (!isLast || (isDiskShort && evict.has(key))) surplus.push(revision);
    else if (up.has(stage)) spare.push(revision);
  }
  const removable = isDiskShort ? [...spare, ...surplus] : surplus;
  return {
    removals: [
      ...removals(key, lineage.prepared, "neverStarted"),
      ...removable.reverse().map((revision) => removal(key, revision, isDiskShort ? 0 : leastAgeMs)),
    ],
    spare: isDiskShort ? [] : spare,
  };
}

/** The oldest of the spare ones where all dead together are too many. */
export function excessOf(
  { revisions }: Observation,
  spare: readonly ExitedRevision[],
  surplusCount: number,
): readonly Removal[] {
  const dead = revisions.filter(({ state }) => state.kind === "exited").length;
  const excess = Math.min(spare.length, Math.max(0, dead - surplusCount - deadMax));
  if (excess === 0) return [];
  const oldestFirst = [...spare].sort((a, b) => a.state.finishedMs - b.state.finishedMs);
  return oldestFirst.slice(0, excess).map((revision) => removal(revision.key, revision, leastAgeMs));
}

function removal(key: PodKey, revision: ExitedRevision, ageMs: number): Removal {
  const action = { kind: "remove", key, revision, reason: "superseded" } as const;
  return notBefore(revision.state.finishedMs + ageMs, action);
}

/** Of a Pod that is not wanted, once nothing of it runs. */
export function removals(
  key: PodKey,
  revisions: readonly Revision[],
  reason: ActionOf<"remove">["reason"],
): readonly Removal[] {
  return revisions.map((revision) => now({ kind: "remove", key, revision, reason }));
}

/** `used`: those of wanted Pods, and of such as are needed otherwise. */
export function garbageDirectories(
  desired: Desired,
  { podDirectories, revisions }: Observation,
  used: readonly Pick<Pod, "uid">[],
): readonly PodUid[] {
  if (desired.unreadable !== undefined) return [];
  const uids = new Set([...used.map(({ uid }) => uid), ...revisions.map(({ podUid }) => podUid)]);
  return podDirectories.map(({ uid }) => uid).filter((uid) => !uids.has(uid));
}

/** Whether nothing says that a Pod without a wish may be wanted all the same. */
export function isUnwanted(desired: Desired, revisions: readonly Revision[]): boolean {
  return !revisions.some(({ manifest }) => isHeld(desired, manifest));
}
