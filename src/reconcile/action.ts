// What can be done to a Pod. One map types them all: a new action does not compile until execute.ts does it.

import type { ContentHash, PodKey, PodUid } from "../pod/names.ts";
import type { Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import type { Attempt } from "./runtime.ts";

interface ActionMap {
  /** Prepares a new revision, then stops what it replaces, then starts it (invariant 6). */
  readonly run: {
    readonly key: PodKey;
    readonly pod: Pod;
    readonly attempt: Attempt;
    /** Of the ConfigMaps and Secrets that it needs. */
    readonly objects: ContentHash;
    readonly replaces: readonly Revision[];
    readonly reason: "added" | "changed" | "ended";
  };
  /** Brings the volumes of a running pod up to date, in place. */
  readonly refresh: {
    readonly key: PodKey;
    readonly pod: Pod;
    /** What its volumes should be made from. */
    readonly content: ContentHash;
    readonly reason: "changed";
  };
  readonly stop: {
    readonly key: PodKey;
    readonly revisions: readonly Revision[];
    readonly reason: "deleted" | "superseded";
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

declare const brand: unique symbol;
/** Equal for two plans' actions when they are tries at one thing: what failures are counted by. */
export type ActionId = string & { readonly [brand]: "ActionId" };

export function actionId(action: Action): ActionId {
  return `${action.kind} ${actionTarget(action)}` as ActionId;
}

function actionTarget(action: Action): string {
  switch (action.kind) {
    case "run":
      return `${action.key} ${action.pod.specHash} ${action.attempt.restartCount} ${action.objects}`;
    case "refresh":
      return `${action.key} ${action.content}`;
    case "stop":
      return action.revisions.map(({ uuid }) => uuid).join(" ");
    case "remove":
      return action.revision.uuid;
    case "removePodDirectory":
      return action.uid;
    default:
      return action satisfies never;
  }
}

/** Whether two actions must not be in flight together: they are for one Pod, or for one pod directory. */
export function isForSamePod(a: Action, b: Action): boolean {
  if (a.kind !== "removePodDirectory" && b.kind !== "removePodDirectory" && a.key === b.key) return true;
  const uids = podUids(a);
  return podUids(b).some((uid) => uids.includes(uid));
}

function podUids(action: Action): readonly PodUid[] {
  switch (action.kind) {
    case "run":
    case "refresh":
      return [action.pod.uid];
    case "stop":
      return action.revisions.map(({ podUid }) => podUid);
    case "remove":
      return [action.revision.podUid];
    case "removePodDirectory":
      return [action.uid];
    default:
      return action satisfies never;
  }
}
