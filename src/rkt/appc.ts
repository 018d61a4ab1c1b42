// appc's manifests as rkt 1.30 reads and writes them (schema 0.8.11): the wire form, shared with the built-in engine.
// Invariant: nothing here but types, the version and names. A list that is empty may be absent, `[]` or `null`: Go writes all three.

import type { Json } from "../pod/json.ts";

export const appcVersion = "0.8.11";

/** Annotations by which the client tells the built-in engine what appc has no word for. A real rkt takes no notice. */
export const engineAnnotations = {
  /** Of the pod, a number of seconds: how long each app has to end when told. */
  gracePeriod: "gantry.io/grace-period",
  /** Of the pod, `true`: the machine's process ids, and its IPC. */
  hostPid: "gantry.io/host-pid",
  hostIpc: "gantry.io/host-ipc",
  /** Of an app, `true`: all devices, nothing hidden or read-only. */
  privileged: "gantry.io/privileged",
  /** Of an app, `true`: its user's uid must not be 0, whatever its name. */
  runAsNonRoot: "gantry.io/run-as-non-root",
  /** Of an app: by mount path `HostToContainer` or `Bidirectional`, as JSON. */
  mountPropagation: "gantry.io/mount-propagation",
  /** Of an app: the variables that are the pod's IP, a JSON list. They, and what was made of them, hold `podIpPlaceholder`. */
  podIpVariables: "gantry.io/pod-ip-env",
} as const;

/** In an app's environment and exec, where it has the annotation `podIpVariables`: the address, which is known once the network is up. */
export const podIpPlaceholder = "@gantry.io/pod-ip@";

type List<T> = readonly T[] | null;

export interface AppcPodManifest {
  readonly acVersion: string;
  readonly acKind: "PodManifest";
  readonly apps: List<AppcRuntimeApp>;
  readonly volumes?: List<AppcVolume>;
  readonly isolators?: List<AppcIsolator>;
  readonly annotations?: List<AppcNameValue>;
  readonly ports?: List<AppcExposedPort>;
  readonly userAnnotations?: Readonly<Record<string, string>> | null;
  readonly userLabels?: Readonly<Record<string, string>> | null;
}

export interface AppcRuntimeApp {
  /** An ACName: lower-case letters, digits and single dashes. */
  readonly name: string;
  readonly image: AppcRuntimeImage;
  /** rkt 1.30 accepts a manifest without it, and then panics on every `list --format=json`. */
  readonly app?: AppcApp | null;
  readonly readOnlyRootFS?: boolean;
  readonly mounts?: List<AppcMount>;
  readonly annotations?: List<AppcNameValue>;
}

export interface AppcRuntimeImage {
  readonly name?: string;
  /** `sha512-` and hex digits. */
  readonly id: string;
  readonly labels?: List<AppcNameValue>;
}

export interface AppcApp {
  readonly exec?: List<string>;
  readonly eventHandlers?: List<{ readonly name: string; readonly exec: List<string> }>;
  /** A name, a number, or a path in the image whose owner it is. rkt refuses an empty one. */
  readonly user: string;
  readonly group: string;
  readonly supplementaryGIDs?: List<number>;
  readonly workingDirectory?: string;
  readonly environment?: List<AppcNameValue>;
  readonly mountPoints?: List<AppcMountPoint>;
  readonly ports?: List<AppcPort>;
  readonly isolators?: List<AppcIsolator>;
  readonly userAnnotations?: Readonly<Record<string, string>> | null;
  readonly userLabels?: Readonly<Record<string, string>> | null;
}

export interface AppcNameValue {
  readonly name: string;
  readonly value: string;
}

/** A place in the app; the pod's volume of the same name is mounted there. */
export interface AppcMountPoint {
  readonly name: string;
  readonly path: string;
  readonly readOnly?: boolean;
}

/** Mounts a volume where the image has no mount point, or another than that of its name. */
export interface AppcMount {
  readonly volume: string;
  readonly path: string;
  readonly appVolume?: AppcVolume | null;
}

export interface AppcVolume {
  readonly name: string;
  readonly kind: "host" | "empty";
  /** Absolute path on the host; only for `host`. */
  readonly source?: string;
  /** Given, it overrides what the mount points say (rkt's stage1/init/common/mount.go); absent, each has its own. */
  readonly readOnly?: boolean | null;
  /** Whether what is mounted below `source` comes along; true unless told. */
  readonly recursive?: boolean | null;
  /** Octal, `0755`; only for `empty`, as are uid and gid. */
  readonly mode?: string | null;
  readonly uid?: number | null;
  readonly gid?: number | null;
}

export interface AppcPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly count?: number;
  readonly socketActivated?: boolean;
}

export interface AppcExposedPort {
  /** That of an app's port. */
  readonly name: string;
  readonly hostPort: number;
  readonly hostIP?: string;
}

export interface AppcIsolator {
  /** `resource/memory`, `os/linux/capabilities-retain-set` … */
  readonly name: string;
  readonly value?: Json;
}

export interface AppcImageManifest {
  readonly acKind: "ImageManifest";
  readonly acVersion: string;
  /** An ACIdentifier: lower-case letters, digits and `-._~/`. */
  readonly name: string;
  readonly labels?: List<AppcNameValue>;
  /** An image without is not meant to be run by itself. */
  readonly app?: AppcApp | null;
  readonly annotations?: List<AppcNameValue>;
  readonly dependencies?: List<AppcDependency>;
  readonly pathWhitelist?: List<string>;
}

export interface AppcDependency {
  readonly imageName: string;
  readonly imageID?: string | null;
  readonly labels?: List<AppcNameValue>;
  readonly size?: number;
}
