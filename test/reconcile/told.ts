// A plan in few words, for tables in which the order and the targets matter and nothing else.

import { type Stage, serializeStage } from "../../src/pod/stage.ts";
import type { Waiting } from "../../src/pod/waiting.ts";
import type { Action } from "../../src/reconcile/action.ts";
import { type Plan, plan } from "../../src/reconcile/plan.ts";
import type { World } from "../../src/reconcile/world.ts";

/** Each action and each waiting as a line: `run init:first`, `stop containers sidecar:proxy for Unhealthy`, `waits: after default/db`. */
export function told(world: World): readonly string[] {
  return toldOf(plan(world));
}

function toldOf({ actions, waiting }: Pick<Plan, "actions" | "waiting">): readonly string[] {
  return [...actions.map(actionText), ...[...waiting.values()].flat().filter(isTelling).map(waitingText)];
}

/** That what is started now is being started goes without saying. */
function isTelling(waiting: Waiting): boolean {
  return waiting.kind !== "starting" || waiting.failure !== undefined;
}

function actionText(action: Action): string {
  switch (action.kind) {
    case "run": {
      const { stage, networkOf } = action.attempt;
      const replaces = action.replaces.map((revision) => serializeStage(revision.stage)).join(" ");
      const sharing = networkOf === undefined ? "" : ` with the network of ${networkOf.slice(-1)}`;
      return `run ${serializeStage(stage)}${sharing}${replaces && ` replacing ${replaces}`}`;
    }
    case "stop": {
      const stages = action.revisions.map((revision) => serializeStage(revision.stage)).join(" ");
      return `stop ${stages} for ${action.stop.cause?.reason ?? action.reason}`;
    }
    case "postStart":
    case "markReady":
    case "remove":
      return `${action.kind} ${serializeStage(action.revision.stage)}`;
    case "refresh":
      return action.kind;
    case "removePodDirectory":
      return `${action.kind} ${action.uid}`;
    default:
      return action satisfies never;
  }
}

function waitingText(waiting: Waiting): string {
  const of = (stage: Stage) => `waits: ${waiting.kind} ${serializeStage(stage)}`;
  switch (waiting.kind) {
    case "starting":
    case "retry":
      return `${of(waiting.stage)} ${waiting.failure?.reason}`;
    case "restart":
      return `${of(waiting.stage)} ${waiting.backOffMs}`;
    case "initializing":
      return of(waiting.stage);
    case "after":
      return `waits: after ${[...waiting.pods, ...waiting.unknown.map((key) => `${key}?`)].join(" ")}`;
    case "evicted":
    case "failed":
    case "rolledBack":
    case "ending":
      return `waits: ${waiting.kind} ${waiting.failure.reason}`;
    case "refresh":
      return `waits: refresh ${waiting.failure?.reason ?? ""}`.trimEnd();
    default:
      return waiting satisfies never;
  }
}
