// What happened to a Pod, the node or a manifest, for people: recorded by whoever did or saw it, kept and shown by status/.

import type { PodKey, PodUid } from "./names.ts";

export interface PodEvent {
  readonly object: EventObject;
  readonly type: "Normal" | "Warning";
  /** One line. */
  readonly message: string;
  readonly reason: EventReason;
}

/** One that was seen `count` times, the first and the last of them in milliseconds since the epoch. */
export interface CountedEvent extends PodEvent {
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export type EventObject =
  /** `container` undefined: the whole pod. */
  | {
      readonly kind: "Pod";
      readonly key: PodKey;
      readonly uid: PodUid;
      readonly container?: string | undefined;
    }
  | { readonly kind: "Node" };

/** The kubelet's wherever it has one (pkg/kubelet/events/event.go); the last line is ours. */
export type EventReason =
  | "Pulling"
  | "Pulled"
  | "Failed"
  | "BackOff"
  | "ErrImageNeverPull"
  | "Created"
  | "Started"
  | "Killing"
  | "Unhealthy"
  | "ProbeWarning"
  | "FailedPostStartHook"
  | "FailedPreStopHook"
  | "FailedMount"
  | "FailedCreatePodContainer"
  | "FailedKillPod"
  | "DeadlineExceeded"
  | "Evicted"
  | "EvictionThresholdMet"
  | "ImageGCFailed"
  | "ContainerGCFailed"
  | "FreeDiskSpaceFailed"
  | "NodeHasSufficientMemory"
  | "NodeHasInsufficientMemory"
  | "NodeHasDiskPressure"
  | "NodeHasNoDiskPressure"
  | "NodeHasSufficientPID"
  | "NodeHasInsufficientPID"
  | "Starting"
  | "ManifestRejected"
  | "ManifestAccepted"
  | "ManifestsNotReady"
  | "Replaced"
  | "RolledBack";

/** Never throws and never waits. */
export type RecordEvent = (event: PodEvent) => void;
