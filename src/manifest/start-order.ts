// Pods that would wait for each other for ever (`gantry.io/after`). Pure.

import type { PodKey } from "../pod/names.ts";
import type { LifeSettings } from "../pod/pod.ts";

/** By Pod, those that it waits for. */
export type StartOrder = ReadonlyMap<PodKey, LifeSettings["after"]>;

/** From the Pod back to itself, the Pod at both ends; undefined: it waits for nobody that waits for it. */
export function circleOf(pod: PodKey, order: StartOrder): readonly PodKey[] | undefined {
  const seen = new Set<PodKey>();
  const search = (at: PodKey): readonly PodKey[] | undefined => {
    for (const next of order.get(at) ?? []) {
      if (next === pod) return [at, pod];
      if (seen.has(next)) continue;
      seen.add(next);
      const rest = search(next);
      if (rest !== undefined) return [at, ...rest];
    }
    return undefined;
  };
  return search(pod);
}
