// What the machine says is there: rkt's pods and systemd's units that are ours, joined.

import type { ContentHash, ImageId, PodKey, PodUid, RktUuid, SpecHash } from "./names.ts";
import type { Stage } from "./stage.ts";

/** One complete look at the machine. A look that failed in part is no Observation (invariant 2). */
export interface Observation {
  readonly revisions: readonly Revision[];
  /** Each without a revision and without a wish is garbage. */
  readonly podDirectories: readonly PodDirectory[];
}

export interface PodDirectory {
  readonly uid: PodUid;
  /** What its projected volumes were last written from; undefined: it has none, or that was broken off. */
  readonly content: ContentHash | undefined;
  /** Digest of the accepted manifest that is kept in it (pod/desired.ts); undefined: there is none. */
  readonly accepted: ContentHash | undefined;
  /** The accepted manifest (pod/desired.ts) of the last version of the Pod that was Ready; undefined: none was. */
  readonly good: string | undefined;
}

/** One rkt pod that was made for a Pod, or what is left of it. */
export interface Revision {
  readonly uuid: RktUuid;
  readonly key: PodKey;
  readonly podUid: PodUid;
  readonly specHash: SpecHash;
  readonly stage: Stage;
  /** The revision in whose network namespace it runs; undefined: in its own, or the host's. */
  readonly networkOf: RktUuid | undefined;
  /** Absolute path of the manifest file that it was made from. */
  readonly manifest: string;
  /** How often the Pod had been started before, since its last edit. */
  readonly restartCount: number;
  /** The crash back-off that the Pod had reached by then: what its next crash doubles. */
  readonly backOffMs: number;
  /**
   * When the Pod was first started as it is written, on the monotonic clock of this boot; negative: in an earlier boot. The same for all
   * revisions of one life of the Pod, which ends when it is replaced or not wanted any more.
   */
  readonly activeSinceMs: number;
  /** When this one was started, on the same clock; undefined: not in this boot. */
  readonly startedMs: number | undefined;
  readonly state: RevisionState;
  /** Its postStart hooks have run, or it has none. */
  readonly isPostStarted: boolean;
  /** It was Ready once. */
  readonly wasReady: boolean;
  readonly apps: readonly ObservedApp[];
  /** Address of a pod with a network of its own; empty: none or the host's. */
  readonly podIP: string;
  /** Milliseconds since the epoch; for display only. */
  readonly createdAtMs: number;
  readonly startedAtMs: number | undefined;
}

/**
 *   prepared ──start──► running ──stop──► stopping
 *                          │                 │
 *                          └────► exited ◄───┘
 */
export type RevisionState =
  /** Not started yet. */
  | { readonly kind: "prepared" }
  | { readonly kind: "running" }
  /** systemd has been told to stop it and it has not ended yet. */
  | { readonly kind: "stopping" }
  | {
      readonly kind: "exited";
      /** Milliseconds since the epoch; for display only. */
      readonly finishedAtMs: number | undefined;
      /** On the monotonic clock of this boot (Clock.nowMs); negative if it ended in an earlier boot. */
      readonly finishedMs: number;
      /** Also in an earlier boot; 0 where that is not known. */
      readonly ranForMs: number;
      /** By Runtime.stop(), to make room or as it is not wanted any more, and not by itself: how it ended says nothing of whether the Pod is done. */
      readonly isStopped: boolean;
      /** From outside and not by Runtime.stop(): a shutdown, a power cut, a stop by hand. That is no crash, and no success. */
      readonly isInterrupted: boolean;
      /** Why Runtime.stop() ended it where that was for its own fault; undefined where it was not. */
      readonly killed: Failure | undefined;
      /** Why it could not even start its apps; undefined where it did. */
      readonly failure: Failure | undefined;
    };

export interface ObservedApp {
  /** rkt's app name, the same as the container's. */
  readonly name: string;
  readonly imageId: ImageId;
  readonly state:
    | { readonly kind: "created" }
    | { readonly kind: "running" }
    | {
        readonly kind: "exited";
        /** Undefined where rkt kept none (fly, SIGKILL). */
        readonly exitCode: number | undefined;
        /** Milliseconds since the epoch; undefined where not known. */
        readonly finishedAtMs: number | undefined;
        /** What it left in its termination message file, or the end of its log; empty: nothing. */
        readonly message: string;
      };
}

/** What went wrong, in the kubelet's words. */
export interface Failure {
  readonly reason: Reason;
  /** One line. */
  readonly message: string;
}

/** The kubelet's reasons wherever it has one. */
export type Reason =
  | "ErrImagePull"
  | "ImagePullBackOff"
  | "ErrImageNeverPull"
  | "InvalidImageName"
  | "ImageInspectError"
  | "CreateContainerConfigError"
  | "CreateContainerError"
  | "RunContainerError"
  | "FailedKillPod"
  | "FailedMount"
  | "CrashLoopBackOff"
  | "FailedPostStartHook"
  | "Unhealthy"
  | "DeadlineExceeded"
  | "Evicted"
  | "RolledBack"
  /** It shared the network of a revision that has ended. */
  | "SandboxChanged";

export function isLive(revision: Revision): boolean {
  return revision.state.kind === "running" || revision.state.kind === "stopping";
}
