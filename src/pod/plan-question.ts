// What would become of the Pods if manifests said something else, as it is asked and answered: POST /plan, `gantry plan`.

export interface PlanQuestion {
  /** Empty: all that are there, as they are. */
  readonly files: readonly PlanFile[];
  /** With units and appc manifests. */
  readonly isDetailed: boolean;
}

export interface PlanFile {
  /** In the manifest directory. */
  readonly name: string;
  /** Undefined: as if it were not there. */
  readonly text: string | undefined;
}

export interface PlanAnswer {
  /** Why the manifests are not ready, so that nothing would be stopped. */
  readonly unreadable?: string | undefined;
  readonly files: readonly PlannedFile[];
}

export interface PlannedFile {
  readonly path: string;
  /** One line each: then nothing of it changes. */
  readonly problems: readonly string[];
  readonly pods: readonly PlannedPod[];
}

export interface PlannedPod {
  readonly namespace: string;
  readonly name: string;
  readonly change: "start" | "replace" | "update" | "keep" | "wait" | "remove";
  readonly why: string;
  /** Why it could not be started, as far as that is known. */
  readonly problem?: string;
  /** What is not known before its images are fetched. */
  readonly unknown: readonly string[];
  readonly stages: readonly PlannedStage[];
}

export interface PlannedStage {
  /** `containers`, `init:NAME`, `sidecar:NAME`. */
  readonly stage: string;
  readonly unit: string;
  readonly appc: object;
}
