// The variables of a pod's containers with the values that they have on this machine, now.

import type { Pod } from "../pod/pod.ts";
import { RuntimeError } from "../reconcile/runtime.ts";
import type { ResolvedVariable } from "../rkt/environment.ts";

/** By container. Throws RuntimeError (CreateContainerConfigError). */
export function environmentOf(pod: Pod): ReadonlyMap<string, readonly ResolvedVariable[]> {
  return new Map(
    pod.spec.containers.map(({ name, env }) => [
      name,
      env.map(({ name: variable, source }) => {
        if (source.kind === "value") return { name: variable, value: source.value, isLiteral: false };
        throw new RuntimeError("CreateContainerConfigError", `variable ${variable} has no value`);
      }),
    ]),
  );
}
