// Which stages of a Pod are to be started. Pure.
// Invariants: no stage is started before those that it waits for are done; what runs is started no second time.
//
//   init ──exit 0──► init ──exit 0──► sidecar ──started──► containers
//    ▲  │                              ▲  │                 ▲  │
//    └──┘ failed: by policy            └──┘ ended           └──┘ ended: by policy
//
// Once the containers have been reached in this boot, nothing waits for the stages before them any more, and init containers are not run
// again: a sidecar that crashes holds up no restart (kubelet kuberuntime_container.go, computeInitContainerActions). An eviction, which clears
// the volumes, is as a boot.

import { isSuccess } from "../pod/ending.ts";
import type { Pod } from "../pod/pod.ts";
import { isStageStarted } from "../pod/readiness.ts";
import { containersStage, type Stage, stagesOf } from "../pod/stage.ts";
import type { Life } from "./life.ts";
import { isRestarted, policyOf } from "./restart.ts";
import type { World } from "./world.ts";

export interface NextStages {
  readonly toStart: readonly Stage[];
  /** It runs, and those after it wait for it; undefined: none does. */
  readonly awaited: Stage | undefined;
}

/** Of a life that goes on. */
export function nextStages(pod: Pod, life: Life, { health }: Pick<World, "health">): NextStages {
  const toStart: Stage[] = [];
  for (const stage of stagesOf(pod.spec)) {
    const { running, isStopping, last } = life.at(stage);
    if (stage.kind === "init") {
      if (life.isInitialized || (last && last.state.finishedMs > life.clearedMs && isSuccess(last))) continue;
      if (running || isStopping) return { toStart, awaited: stage };
      return { toStart: [...toStart, stage], awaited: undefined };
    }
    const isUp = running !== undefined || isStopping;
    if (!isUp) toStart.push(stage);
    if (stage.kind === "containers" || life.isInitialized) continue;
    if (!isUp) return { toStart, awaited: undefined };
    if (!running || !isStageStarted(pod, running, health)) return { toStart, awaited: stage };
  }
  return { toStart, awaited: undefined };
}

/** Whether the Pod has come to its end by its own containers and its policy: then nothing of it is started any more. */
export function isOver({ spec }: Pick<Pod, "spec">, life: Life): boolean {
  const hasEnded = (stage: Stage) => {
    const { running, isStopping, last } = life.at(stage);
    return !running && !isStopping && last && !isRestarted(policyOf(stage, spec.restartPolicy), last) && last;
  };
  if (hasEnded(containersStage)) return true;
  if (life.isInitialized) return false;
  return stagesOf(spec).some((stage) => {
    const last = stage.kind === "init" && hasEnded(stage);
    return last && !isSuccess(last);
  });
}
