// A pod that runs, and where on the machine what it uses is counted: made by runtime/ for whoever measures.

import type { PodUid } from "./names.ts";

export interface RunningPod {
  readonly uid: PodUid;
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Not the machine's. */
  readonly hasOwnNetwork: boolean;
  /** Its slice's cgroup, as systemd names it. */
  readonly cgroup: string;
  readonly containers: readonly RunningContainer[];
  /** Its emptyDir volumes. */
  readonly volumes: readonly RunningVolume[];
}

export interface RunningVolume {
  readonly name: string;
  readonly path: string;
  /** Not in memory. */
  readonly isOnDisk: boolean;
}

export interface RunningContainer {
  readonly name: string;
  readonly startedAtMs: number;
  readonly cgroup: string;
  /** The directory of what it has written in its root file system; undefined where that is not known. */
  readonly written: string | undefined;
}
