// ConfigMap and Secret documents beside the pods, which serve the pods of their namespace.
// Invariant: a Secret's values are bytes in here, so that no status, log or message shows them by accident.

/** By `namespace/name`. */
export interface ConfigObjects {
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly secrets: ReadonlyMap<string, Secret>;
}

export interface ConfigMap {
  readonly namespace: string;
  readonly name: string;
  /** `data` in UTF-8 and `binaryData`. */
  readonly data: ReadonlyMap<string, Uint8Array>;
}

export interface Secret {
  readonly namespace: string;
  readonly name: string;
  /** `Opaque`, `kubernetes.io/dockerconfigjson` … */
  readonly type: string;
  /** `data` decoded from base64, and `stringData`, which wins. */
  readonly data: ReadonlyMap<string, Uint8Array>;
}

export const noConfigObjects: ConfigObjects = { configMaps: new Map(), secrets: new Map() };
