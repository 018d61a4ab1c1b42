// One cause in the chain of causes why a Pod is not Ready.

import type { PodKey } from "../pod/names.ts";

export interface ExplainedStep {
  /** Of which it is told: of the Pod asked for, or of one that it waits for. */
  readonly pod: PodKey;
  readonly reason: string;
  /** One line. */
  readonly message: string;
  /** What can be done; empty: nothing that could be said in a line. */
  readonly hint: string;
  /** Since when it is so, milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** When it is tried again, milliseconds since the epoch. */
  readonly nextTryMs?: number;
  /** Whose last lines tell more. */
  readonly log?: ExplainedLog;
}

/** Not said yet of which Pod. */
export type Step = Omit<ExplainedStep, "pod">;

export interface ExplainedLog {
  readonly container: string;
  /** Of the run before the one that is there. */
  readonly previous: boolean;
}
