// `activeDeadlineSeconds`: how long a Pod may run at most, its restarts and reboots of the machine included. Pure.

import type { Failure } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import type { Life } from "./life.ts";

/** The kubelet's words (active_deadline.go). */
export const deadlineExceeded: Failure = {
  reason: "DeadlineExceeded",
  message: "Pod was active on the node longer than the specified deadline",
};

/** When its time is over, on the monotonic clock; undefined: never, or it has not begun. */
export function deadlineMs({ spec }: Pick<Pod, "spec">, { sinceMs, ended }: Life): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || sinceMs === undefined) return undefined;
  const overMs = sinceMs + spec.activeDeadlineSeconds * 1000;
  // Said once and for all, unless it has been raised since: after a reboot with a wrong clock it might seem to have time left.
  const isPast = ended.some(
    ({ state: { killed, finishedMs } }) =>
      killed?.reason === deadlineExceeded.reason && (finishedMs <= 0 || overMs <= finishedMs),
  );
  return isPast ? 0 : overMs;
}
