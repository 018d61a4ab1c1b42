// appc's manifests as rkt 1.30 reads and writes them (schema 0.8.11): the wire form, shared with the built-in engine.
// Invariant: nothing here but types and the version. A list that is empty may be absent, `[]` or `null`: Go writes all three.

import type { Json } from "../pod/json.ts";

export const appcVersion = "0.8.11";

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
