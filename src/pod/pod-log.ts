// A container's log as it is asked for and answered: what the runtime reads and the server shows.

export interface PodLogQuery {
  readonly namespace: string;
  readonly name: string;
  /** Undefined: the only one. */
  readonly container: string | undefined;
  /** Of which of its revisions: the one that runs or ran last, the one before, or all that the journal knows. */
  readonly revisions: "current" | "previous" | "all";
  /** Goes on until that revision of the container has ended; of all of them, until the pod is gone. */
  readonly follow: boolean;
  readonly tailLines?: number | undefined;
  /** Microseconds since the epoch. */
  readonly sinceUs?: number | undefined;
  /** Ends the lines. */
  readonly signal: AbortSignal;
}

export type PodLog =
  | {
      readonly kind: "stream";
      readonly container: string;
      readonly isRunning: boolean;
      /** Oldest first, some at a time. */
      readonly lines: AsyncIterable<readonly LogLine[]>;
    }
  | NoContainer
  | { readonly kind: "noPrevious" }
  | { readonly kind: "notStarted"; readonly container: string; readonly reason: string };

/** Why it is not known which container is meant. */
export type NoContainer =
  | { readonly kind: "podNotFound" }
  | { readonly kind: "containerNotFound"; readonly containers: readonly string[] }
  | { readonly kind: "containerRequired"; readonly containers: readonly string[] };

export interface LogLine {
  /** Without the final newline. */
  readonly message: string;
  /** Microseconds since the epoch. */
  readonly timestampUs: number;
  /** Of the rkt pod that wrote it. */
  readonly revision: string;
  /** Undefined where the journal does not know. */
  readonly pid: number | undefined;
  /** syslog's, 0 (worst) to 7. */
  readonly priority: number;
  /** Where it is in the journal, for journalctl's --cursor. */
  readonly cursor: string;
  /** The container has not written it: it tells that journald has dropped lines. */
  readonly isNotice: boolean;
}
