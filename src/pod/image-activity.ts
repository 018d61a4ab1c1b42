// What becomes of a Pod's images while it is prepared: told apart from the Observation, as it changes within one action.

export interface ImageActivity {
  readonly pulling: Pulling | undefined;
  /** Used as they are in the store, although they were to be pulled: their registry could not be reached. */
  readonly stale: readonly StaleImage[];
}

export interface Pulling {
  readonly image: string;
  /** Other pulls come first. */
  readonly isQueued: boolean;
  /** Undefined: not known. */
  readonly progress: { readonly doneBytes: number; readonly totalBytes: number } | undefined;
}

export interface StaleImage {
  readonly image: string;
  /** One line. */
  readonly why: string;
}

export const noImageActivity: ImageActivity = { pulling: undefined, stale: [] };
