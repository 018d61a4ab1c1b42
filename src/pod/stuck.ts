// What should be gone and could not be removed yet: it is tried again, holds up nothing, and is shown meanwhile.

export interface Stuck {
  /** `rkt pod 3b7f27cf-…`, `directory of pod 1f2e…`, `leftovers`. */
  readonly what: string;
  /** One line. */
  readonly why: string;
  /** When it was first tried in vain, milliseconds since the epoch. */
  readonly sinceMs: number;
}
