// A container's log as it is asked for and answered: what the runtime reads and the server shows.

export interface PodLogQuery {
  readonly namespace: string;
  readonly name: string;
  /** Undefined: the only one. */
  readonly container: string | undefined;
  /** The revision before the current one. */
  readonly previous: boolean;
  readonly follow: boolean;
  readonly tailLines?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly sinceMs?: number | undefined;
  /** Ends the lines. */
  readonly signal: AbortSignal;
}

export type PodLog =
  | { readonly kind: "stream"; readonly entries: AsyncIterable<LogLine> }
  | NoContainer
  | { readonly kind: "noPrevious" }
  | { readonly kind: "notStarted"; readonly reason: string };

/** Why it is not known which container is meant. */
export type NoContainer =
  | { readonly kind: "podNotFound" }
  | { readonly kind: "containerNotFound"; readonly containers: readonly string[] }
  | { readonly kind: "containerRequired"; readonly containers: readonly string[] };

export interface LogLine {
  /** Without the final newline. */
  readonly message: string;
  /** Microseconds since the epoch. */
  readonly timestampUs: bigint;
}
