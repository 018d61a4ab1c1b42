// A pod's volumes and where they are mounted, in Kubernetes' own field names, defaults filled in.

export type Volume = { readonly name: string } & VolumeSource;

export type VolumeSource =
  | { readonly kind: "hostPath"; readonly path: string; readonly type: HostPathType }
  | {
      readonly kind: "emptyDir";
      readonly medium: "" | "Memory";
      /** Bytes; undefined: no limit. */
      readonly sizeLimit: number | undefined;
    }
  | { readonly kind: "projected"; readonly sources: readonly ProjectedSource[]; readonly isSecret: boolean };

/** `""`: no check, and a directory is made where nothing is. */
export type HostPathType =
  | ""
  | "DirectoryOrCreate"
  | "Directory"
  | "FileOrCreate"
  | "File"
  | "Socket"
  | "CharDevice"
  | "BlockDevice";

/** configMap, secret and downwardAPI volumes are projected ones with a single source. */
export type ProjectedSource =
  | {
      readonly kind: "configMap" | "secret";
      readonly name: string;
      /** Undefined: every key as a file of its name. */
      readonly items: readonly KeyToPath[] | undefined;
      readonly optional: boolean;
      /** Of files without a mode of their own. */
      readonly defaultMode: number;
    }
  | {
      readonly kind: "downwardAPI";
      readonly items: readonly DownwardFile[];
      readonly defaultMode: number;
    };

export interface KeyToPath {
  readonly key: string;
  /** Relative, without `..`. */
  readonly path: string;
  readonly mode: number | undefined;
}

export interface DownwardFile {
  readonly path: string;
  readonly mode: number | undefined;
  readonly source:
    | { readonly kind: "field"; readonly fieldPath: string }
    | ({ readonly kind: "resource" } & DownwardResource);
}

export interface DownwardResource {
  readonly containerName: string;
  readonly resource: "limits.cpu" | "limits.memory" | "requests.cpu" | "requests.memory";
  readonly divisorMilli: number;
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
  /** Relative, without `..`; empty: the whole volume. */
  readonly subPath: string;
  /** With `$(VAR)` to expand; empty: none. Never beside subPath. */
  readonly subPathExpr: string;
  readonly mountPropagation: "None" | "HostToContainer" | "Bidirectional";
}
