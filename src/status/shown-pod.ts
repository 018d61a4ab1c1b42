// What a status is made of: a Pod, what the machine shows of it, and what the planner waits for. Pure.

import type { Desired } from "../pod/desired.ts";
import type { HealthByRevision } from "../pod/health.ts";
import type { ImageActivity } from "../pod/image-activity.ts";
import type { Revision } from "../pod/observed-pod.ts";
import type { Container, InitContainer, Pod, PodSpec } from "../pod/pod.ts";
import type { Problem } from "../pod/problem.ts";
import { containersStage, type Stage } from "../pod/stage.ts";
import type { Waiting } from "../pod/waiting.ts";

export interface PodView {
  readonly pod: ShownPod;
  /** All that are there of this Pod. */
  readonly revisions: readonly Revision[];
  /** What keeps it back most comes first. */
  readonly waiting: readonly Waiting[];
  readonly health: HealthByRevision;
  readonly images: ImageActivity;
  readonly manifest: ManifestVerdict;
  /** Its manifest is gone; it is shown until nothing of it runs. */
  readonly isDeleted: boolean;
  /** Why it shares the machine's process ids unasked; undefined: it does not. */
  readonly sharedPids: string | undefined;
  /** Empty: not known. */
  readonly hostIP: string;
  /** The wall clock now. */
  readonly wallMs: number;
  /** The wall clock when the monotonic one was at 0. */
  readonly bootMs: number;
}

/** What is shown of a Pod: less than one, as of a deleted Pod a new agent knows only what its revisions say. */
export type ShownPod = Pick<Pod, "uid" | "namespace" | "name" | "specHash" | "wire"> & {
  readonly spec: Pick<PodSpec, "restartPolicy" | "hostNetwork"> & {
    readonly containers: readonly ShownContainer[];
    readonly initContainers: readonly (ShownContainer & Pick<InitContainer, "isSidecar">)[];
  };
};

export type ShownContainer = Pick<
  Container,
  "name" | "image" | "startupProbe" | "livenessProbe" | "readinessProbe"
>;

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

export const noProbes = { startupProbe: undefined, livenessProbe: undefined, readinessProbe: undefined };

/** Of a Pod whose manifest was gone before this agent began: what its revisions tell. At least one. */
export function podOfRevisions([first, ...others]: readonly [Revision, ...Revision[]]): ShownPod {
  const [namespace = "", name = ""] = first.key.split("/");
  const containersIn = (kinds: readonly Stage["kind"][]) =>
    [first, ...others]
      .filter(({ stage }) => kinds.includes(stage.kind))
      .flatMap(({ apps }) => apps.map((app) => ({ ...noProbes, name: app.name, image: app.imageId })));
  const containers = containersIn([containersStage.kind]);
  return {
    uid: first.podUid,
    namespace,
    name,
    specHash: first.specHash,
    wire: { spec: { containers: containers.map(({ name: app, image }) => ({ name: app, image })) } },
    spec: {
      containers,
      initContainers: [
        ...containersIn(["init"]).map((container) => ({ ...container, isSidecar: false })),
        ...containersIn(["sidecar"]).map((container) => ({ ...container, isSidecar: true })),
      ],
      restartPolicy: "Always",
      hostNetwork: false,
    },
  };
}
