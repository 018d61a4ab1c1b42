// What can be done to a Pod. One map types them all: a new action does not compile until execute.ts does it.

import type { ContentHash, PodKey, PodUid } from "../pod/names.ts";
import type { Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { serializeStage } from "../pod/stage.ts";
import type { Attempt, Stop } from "./runtime.ts";

interface ActionMap {
  /** Prepares a new revision of one stage, then stops what it replaces, in this order, then starts it (invariant 6). */
  readonly run: {
    readonly key: PodKey;
    readonly pod: Pod;
    readonly attempt: Attempt;
    /** Of the ConfigMaps and Secrets that it needs. */
    readonly objects: ContentHash;
    readonly replaces: readonly Revision[];
    /** Of what it replaces. */
    readonly stop: Stop;
    /** `next`: the stage before it is done. */
    readonly reason: "added" | "changed" | "next" | "ended" | "rolledBack";
  };
  readonly postStart: {
    readonly key: PodKey;
    readonly pod: Pod;
    readonly revision: Revision;
    readonly reason: "started";
  };
  readonly markReady: {
    readonly key: PodKey;
    readonly pod: Pod;
    readonly revision: Revision;
    readonly reason: "ready";
  };
  /** Brings the volumes of a running pod and its kept manifest up to date, in place. */
  readonly refresh: {
    readonly key: PodKey;
    readonly pod: Pod;
    /** What its volumes should be made from; undefined: it has none to be made. */
    readonly content: ContentHash | undefined;
    /** Of the manifest that should be kept. */
    readonly accepted: ContentHash;
    readonly reason: "changed";
  };
  /** In this order, one after the other. */
  readonly stop: {
    readonly key: PodKey;
    readonly revisions: readonly Revision[];
    readonly stop: Stop;
    readonly reason: "deleted" | "superseded" | "completed" | "failed";
  };
  readonly remove: {
    readonly key: PodKey;
    readonly revision: Revision;
    readonly reason: "deleted" | "neverStarted" | "superseded";
  };
  /** The directory of a Pod of which nothing else is left, not even its key. */
  readonly removePodDirectory: { readonly uid: PodUid; readonly reason: "garbage" };
}

export type ActionKind = keyof ActionMap;
export type ActionOf<Kind extends ActionKind> = { readonly kind: Kind } & ActionMap[Kind];
export type Action = { [Kind in ActionKind]: ActionOf<Kind> }[ActionKind];

/** To make room, or as it is not wanted any more. */
export const deliberate: Stop = { cause: undefined, graceSeconds: undefined };

declare const brand: unique symbol;
/** Equal for two plans' actions when they are tries at one thing: what failures are counted by. */
export type ActionId = string & { readonly [brand]: "ActionId" };

export function actionId(action: Action): ActionId {
  return `${action.kind} ${actionTarget(action)}` as ActionId;
}

function actionTarget(action: Action): string {
  switch (action.kind) {
    case "run": {
      const { stage, restartCount } = action.attempt;
      return `${action.key} ${action.pod.specHash} ${serializeStage(stage)} ${restartCount} ${action.objects}`;
    }
    case "refresh":
      return `${action.key} ${action.content} ${action.accepted}`;
    case "stop":
      return action.revisions.map(({ uuid }) => uuid).join(" ");
    case "postStart":
    case "markReady":
    case "remove":
      return action.revision.uuid;
    case "removePodDirectory":
      return action.uid;
    default:
      return action satisfies never;
  }
}

/** The Pods, by key and by directory, that have an action: no two actions may be in flight for one. */
export class BusyPods {
  readonly #taken = new Set<PodKey | PodUid>();

  constructor(actions: readonly Action[]) {
    for (const action of actions) this.take(action);
  }

  isBusy(action: Action): boolean {
    return topicsOf(action).some((topic) => this.#taken.has(topic));
  }

  take(action: Action): void {
    for (const topic of topicsOf(action)) this.#taken.add(topic);
  }
}

/** A key has a slash and a uid has none. */
function topicsOf(action: Action): readonly (PodKey | PodUid)[] {
  switch (action.kind) {
    case "run":
    case "postStart":
    case "markReady":
    case "refresh":
      return [action.key, action.pod.uid];
    case "stop":
      return [action.key, ...action.revisions.map(({ podUid }) => podUid)];
    case "remove":
      return [action.key, action.revision.podUid];
    case "removePodDirectory":
      return [action.uid];
    default:
      return action satisfies never;
  }
}
