// An image of the store as GET /images lists it: what the server answers and the client commands print.

export interface ListedImage {
  readonly id: string;
  /** The store's own, then as manifests name it. */
  readonly names: readonly string[];
  readonly sizeBytes: number;
  /** RFC 3339. */
  readonly importedAt: string;
  readonly lastUsedAt: string;
  /** Only what gantry has pulled is ever removed for want of space. */
  readonly isOurs: boolean;
  /** `namespace/name` of the pods that have a container of it, be it a dead one. */
  readonly usedBy: readonly string[];
}
