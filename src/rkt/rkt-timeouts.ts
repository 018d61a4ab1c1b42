// How long each kind of rkt call may take.

export interface RktTimeouts {
  /** What only looks: version, list, status, manifests. */
  readonly readMs: number;
  /** rm, stop, image rm. */
  readonly changeMs: number;
  /** Renders images, and copies them with --no-overlay. */
  readonly prepareMs: number;
  readonly fetchMs: number;
  readonly gcMs: number;
}

export const defaultTimeouts: RktTimeouts = {
  readMs: 30_000,
  changeMs: 60_000,
  prepareMs: 5 * 60_000,
  fetchMs: 30 * 60_000,
  gcMs: 5 * 60_000,
};
