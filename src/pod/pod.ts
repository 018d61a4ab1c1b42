// What the user asked for, in Kubernetes' own field names, with every default filled in.
// Invariant: no optional fields; an empty list, string or 0 stands for "not given" exactly where Kubernetes says so.

import type { JsonObject } from "./json.ts";
import type { PodUid, SpecHash } from "./names.ts";

export interface Pod {
  readonly uid: PodUid;
  readonly namespace: string;
  /** With the node's name as suffix, as the kubelet names static pods. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly specHash: SpecHash;
  readonly source: PodSource;
  readonly spec: PodSpec;
  /** The accepted manifest as `v1.Pod`, defaults filled in: what the status shows and what is kept on disk. */
  readonly wire: JsonObject;
}

export interface PodSource {
  /** Absolute path of the manifest file. */
  readonly file: string;
  /** 0-based, in the order of the file; items of a List count one each. */
  readonly document: number;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
  readonly restartPolicy: RestartPolicy;
  /** Seconds, as in the manifest; the runtime never uses less than 2. */
  readonly terminationGracePeriodSeconds: number;
  readonly hostNetwork: boolean;
  readonly nodeName: string;
}

export type RestartPolicy = "Always" | "OnFailure" | "Never";
export type PullPolicy = "Always" | "IfNotPresent" | "Never";

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy: PullPolicy;
  /** Replaces the image's ENTRYPOINT and CMD; empty: the image's own. `$(VAR)` not yet expanded. */
  readonly command: readonly string[];
  /** Replaces the image's CMD; empty: the image's own. `$(VAR)` not yet expanded. */
  readonly args: readonly string[];
  readonly env: readonly EnvVar[];
  /** Empty: the image's own. */
  readonly workingDir: string;
  readonly ports: readonly ContainerPort[];
  readonly volumeMounts: readonly VolumeMount[];
}

export interface EnvVar {
  readonly name: string;
  /** `$(VAR)` not yet expanded. */
  readonly value: string;
}

export interface ContainerPort {
  /** Empty: none. */
  readonly name: string;
  readonly containerPort: number;
  /** 0: none. */
  readonly hostPort: number;
  readonly hostIP: string;
  readonly protocol: "TCP" | "UDP" | "SCTP";
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
}

export type Volume =
  | { readonly name: string; readonly kind: "hostPath"; readonly path: string }
  | { readonly name: string; readonly kind: "emptyDir" };
