// An app's environment: the image's, overridden and continued by the container's. Pure.

import { expand } from "../pod/expansion.ts";
import { type AppcNameValue, podIpPlaceholder } from "./appc.ts";

export interface ResolvedVariable {
  readonly name: string;
  /** Undefined: the pod's IP, which is known only once its network is up. */
  readonly value: string | undefined;
  /** `$(VAR)` in it means itself: the value of a ConfigMap's or Secret's key, or of a field. */
  readonly isLiteral: boolean;
}

/** The container's variables with `$(VAR)` expanded by those that stand before them; of one name the last counts. */
export function containerVariables(environment: readonly ResolvedVariable[]): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const { name, value = podIpPlaceholder, isLiteral } of environment)
    variables.set(name, isLiteral ? value : expand(value, variables));
  return variables;
}

/** In the image's order, then the container's. */
export function appEnvironment(
  image: readonly AppcNameValue[],
  container: ReadonlyMap<string, string>,
): readonly AppcNameValue[] {
  const merged = new Map(image.map(({ name, value }) => [name, value]));
  for (const [name, value] of container) merged.set(name, value);
  return [...merged].map(([name, value]) => ({ name, value }));
}
