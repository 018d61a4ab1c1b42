// What a status is made of: a Pod, what the machine shows of it, and what the planner waits for. Pure.

import type { Desired } from "../pod/desired.ts";
import type { ImageActivity } from "../pod/image-activity.ts";
import { type ExitedRevision, lineageOf } from "../pod/lineage.ts";
import type { Revision } from "../pod/observed-pod.ts";
import type { Container, Pod, PodSpec } from "../pod/pod.ts";
import type { Problem } from "../pod/problem.ts";
import type { Waiting } from "../pod/waiting.ts";

export interface PodView {
  readonly pod: ShownPod;
  /** All that are there of this Pod. */
  readonly revisions: readonly Revision[];
  /** Undefined: there is nothing to start. */
  readonly waiting: Waiting | undefined;
  readonly images: ImageActivity;
  readonly manifest: ManifestVerdict;
  /** Its manifest is gone; it is shown until nothing of it runs. */
  readonly isDeleted: boolean;
  /** Why it shares the machine's process ids unasked; undefined: it does not. */
  readonly sharedPids: string | undefined;
  /** Empty: not known. */
  readonly hostIP: string;
  readonly wallMs: number;
}

/** What is shown of a Pod: less than one, as of a deleted Pod a new agent knows only what its revision says. */
export type ShownPod = Pick<Pod, "uid" | "namespace" | "name" | "specHash" | "wire"> & {
  readonly spec: Pick<PodSpec, "restartPolicy" | "hostNetwork"> & {
    readonly containers: readonly Pick<Container, "name" | "image">[];
  };
};

/** What became of the manifest as it is now. */
export type ManifestVerdict =
  | { readonly state: "accepted" }
  | { readonly state: "rejected"; readonly problems: readonly Problem[] }
  | { readonly state: "unreadable"; readonly error: string };

export function manifestVerdict({ unreadable, files }: Desired, path: string): ManifestVerdict {
  if (unreadable !== undefined) return { state: "unreadable", error: unreadable };
  const file = files.find((candidate) => candidate.path === path);
  return file?.state === "rejected" ? file : { state: "accepted" };
}

/** Which revisions a Pod's status and its logs are about. */
export interface ShownRevisions {
  /** The live one, else the last that ended. */
  readonly current: Revision | undefined;
  /** The last that ended: also the current one, when the next is waited for. */
  readonly previous: ExitedRevision | undefined;
  readonly isLive: boolean;
}

export function shownRevisions({
  pod,
  revisions,
  waiting,
}: Pick<PodView, "revisions" | "waiting"> & { readonly pod: Pick<Pod, "specHash"> }): ShownRevisions {
  const { running, stopping, exited } = lineageOf(revisions);
  const live = running.find(({ specHash }) => specHash === pod.specHash) ?? running[0] ?? stopping[0];
  return {
    current: live ?? exited[0],
    previous: live !== undefined || waiting !== undefined ? exited[0] : exited[1],
    isLive: live !== undefined,
  };
}

/** Of a Pod whose manifest was gone before this agent began: what its revision tells. */
export function podOfRevision({ key, podUid, specHash, apps }: Revision): ShownPod {
  const [namespace = "", name = ""] = key.split("/");
  const containers = apps.map((app) => ({ name: app.name, image: app.imageId }));
  return {
    uid: podUid,
    namespace,
    name,
    specHash,
    wire: { spec: { containers } },
    spec: { containers, restartPolicy: "Always", hostNetwork: false },
  };
}
