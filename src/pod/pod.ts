// What the user asked for, in Kubernetes' own field names, with every default filled in.
// Invariant: no optional fields; an empty list, string or 0 stands for "not given" exactly where Kubernetes says so, and
// `undefined` where the difference between "not given" and a value counts.

import type { HookHandler, Probe } from "./handler.ts";
import type { JsonObject } from "./json.ts";
import type { PodKey, PodUid, SpecHash } from "./names.ts";
import type { Volume, VolumeMount } from "./volume.ts";

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
  readonly life: LifeSettings;
  /** The accepted manifest as `v1.Pod`, defaults filled in: what the status shows and what is kept on disk. */
  readonly wire: JsonObject;
}

/** What annotations of ours ask for; a change of them restarts nothing. */
export interface LifeSettings {
  /** `gantry.io/after`: it is started once these are Ready. With the node's name as suffix, however they were written. */
  readonly after: readonly PodKey[];
  /** `gantry.io/rollback-after`: a new version that is not Ready by then makes room for the last that was. Undefined: never. */
  readonly rollbackAfterMs: number | undefined;
  /** `gantry.io/restart-backoff` and `gantry.io/restart-backoff-max`: after a crash. */
  readonly restartBackOff: BackOff;
}

/** Doubled each time, from the first to the greatest. */
export interface BackOff {
  readonly firstMs: number;
  readonly maxMs: number;
}

export interface PodSource {
  /** Absolute path of the manifest file. */
  readonly file: string;
  /** 0-based, in the order of the file; items of a List count one each. */
  readonly document: number;
}

export interface PodSpec {
  readonly initContainers: readonly InitContainer[];
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
  readonly restartPolicy: RestartPolicy;
  /** Seconds, as in the manifest; the runtime never uses less than 2. */
  readonly terminationGracePeriodSeconds: number;
  /** How long it may run at most, from its first start; undefined: for ever. */
  readonly activeDeadlineSeconds: number | undefined;
  /** The greater, the later it is evicted. */
  readonly priority: number;
  readonly hostNetwork: boolean;
  readonly hostPID: boolean;
  readonly hostIPC: boolean;
  /** The pod's own host name, empty: its name. */
  readonly hostname: string;
  /** Only with a hostname or a fully qualified one to make; empty: none. */
  readonly subdomain: string;
  readonly nodeName: string;
  readonly dns: DnsSettings;
  readonly hostAliases: readonly HostAlias[];
  readonly securityContext: PodSecurityContext;
  /** Secrets of type kubernetes.io/dockerconfigjson in the pod's namespace, in order. */
  readonly imagePullSecrets: readonly string[];
}

export type RestartPolicy = "Always" | "OnFailure" | "Never";
export type PullPolicy = "Always" | "IfNotPresent" | "Never";

/** What the pod's resolv.conf is made of: the policy's base (without a cluster, the host's), then dnsConfig. */
export interface DnsSettings {
  /** There being no cluster DNS, ClusterFirst and ClusterFirstWithHostNet are Default. */
  readonly policy: "Default" | "None";
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  /** `ndots:5`, or a name alone. */
  readonly options: readonly string[];
}

export interface HostAlias {
  readonly ip: string;
  readonly hostnames: readonly string[];
}

export interface PodSecurityContext {
  readonly runAsUser: number | undefined;
  readonly runAsGroup: number | undefined;
  readonly runAsNonRoot: boolean;
  /** Undefined: not given, and then the image's own are kept (kubelet v1.5 rkt.go). */
  readonly supplementalGroups: readonly number[] | undefined;
  readonly fsGroup: number | undefined;
  readonly fsGroupChangePolicy: "Always" | "OnRootMismatch";
  readonly seLinuxOptions: SeLinuxOptions | undefined;
}

/** Empty: the part of the label stays as it is. */
export interface SeLinuxOptions {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  readonly level: string;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy: PullPolicy;
  /** Replaces the image's ENTRYPOINT and CMD; empty: the image's own. `$(VAR)` not yet expanded. */
  readonly command: readonly string[];
  /** Replaces the image's CMD; empty: the image's own. `$(VAR)` not yet expanded. */
  readonly args: readonly string[];
  /** In order: each may refer to those before it. `envFrom` comes first. */
  readonly env: readonly EnvVar[];
  readonly envFrom: readonly EnvFrom[];
  /** Empty: the image's own. */
  readonly workingDir: string;
  readonly ports: readonly ContainerPort[];
  readonly volumeMounts: readonly VolumeMount[];
  readonly resources: Resources;
  readonly securityContext: SecurityContext;
  readonly terminationMessagePath: string;
  readonly terminationMessagePolicy: "File" | "FallbackToLogsOnError";
  readonly livenessProbe: Probe | undefined;
  readonly readinessProbe: Probe | undefined;
  readonly startupProbe: Probe | undefined;
  readonly postStart: HookHandler | undefined;
  readonly preStop: HookHandler | undefined;
}

export interface InitContainer extends Container {
  /** restartPolicy Always: it is not waited for to end, but stays. */
  readonly isSidecar: boolean;
}

export interface EnvVar {
  readonly name: string;
  readonly source: EnvSource;
}

export type EnvSource =
  /** `$(VAR)` not yet expanded. */
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "field"; readonly fieldPath: string }
  | ResourceField
  | {
      readonly kind: "configMapKey" | "secretKey";
      readonly name: string;
      readonly key: string;
      readonly optional: boolean;
    };

/** A container's own resource; of what is not given the node's. The result is rounded up to a multiple of the divisor. */
export interface ResourceField {
  readonly kind: "resource";
  /** Empty: the container that asks. */
  readonly containerName: string;
  readonly resource: "limits.cpu" | "limits.memory" | "requests.cpu" | "requests.memory";
  /** In thousandths of a core, or of a byte. */
  readonly divisorMilli: number;
}

export interface EnvFrom {
  readonly kind: "configMap" | "secret";
  readonly name: string;
  readonly prefix: string;
  readonly optional: boolean;
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

/** A limit fills a missing request, and a request a missing limit. Undefined: neither given. */
export interface Resources {
  readonly cpu: Resource | undefined;
  readonly memory: Resource | undefined;
  /** What is written to the disk: in its root file system and, of all containers together, in emptyDir volumes. */
  readonly ephemeralStorage: Resource | undefined;
}

export interface Resource {
  /** As a Kubernetes quantity in its canonical form: what goes to rkt. */
  readonly request: string;
  readonly limit: string;
}

export interface SecurityContext {
  readonly runAsUser: number | undefined;
  readonly runAsGroup: number | undefined;
  readonly runAsNonRoot: boolean | undefined;
  readonly privileged: boolean;
  readonly readOnlyRootFilesystem: boolean;
  readonly allowPrivilegeEscalation: boolean;
  /** `CAP_NET_ADMIN`, always with the prefix; or `ALL`. */
  readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] };
  /** Undefined: rkt's own filter, which is about Docker's. */
  readonly seccompProfile: "RuntimeDefault" | "Unconfined" | undefined;
  readonly seLinuxOptions: SeLinuxOptions | undefined;
}
