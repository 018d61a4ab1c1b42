// What the results of one probe come to. Pure. Invariant: a run of equal results that is shorter than its threshold changes nothing.
//
//               successThreshold successes in a row
//     failure ────────────────────────────────────► success
//             ◄────────────────────────────────────
//               failureThreshold failures in a row
//
//     readiness begins at failure; liveness begins at success, and its failure is final (the container is restarted);
//     startup begins at neither, and whichever it comes to first is final (probed-container.ts ends those)

import type { Probe, ProbeKind } from "../pod/handler.ts";

export type Result = "success" | "failure";

export interface Tally {
  /** Undefined: not started. */
  readonly conclusion: Result | undefined;
  /** Of the last results, and how many in a row were the same. */
  readonly last: Result | undefined;
  readonly run: number;
}

const initial: Readonly<Record<ProbeKind, Result | undefined>> = {
  startup: undefined,
  liveness: "success",
  readiness: "failure",
};

/** Before the first result; or with what was concluded before, where that is known. */
export function beginTally(kind: ProbeKind, conclusion: Result | undefined = initial[kind]): Tally {
  return { conclusion, last: undefined, run: 0 };
}

export function addResult(
  { conclusion, last, run }: Tally,
  result: Result,
  { successThreshold, failureThreshold }: Pick<Probe, "successThreshold" | "failureThreshold">,
): Tally {
  const sameInARow = result === last ? run + 1 : 1;
  const isReached = sameInARow >= (result === "success" ? successThreshold : failureThreshold);
  return { conclusion: isReached ? result : conclusion, last: result, run: sameInARow };
}
