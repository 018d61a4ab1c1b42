// An app's environment: the image's, overridden and continued by the container's. Pure.

import type { EnvVar } from "../pod/pod.ts";
import type { AppcNameValue } from "./appc.ts";
import { expand } from "./expansion.ts";
import { PodManifestError } from "./pod-manifest-error.ts";

/** The container's variables with `$(VAR)` expanded by those that stand before them; of one name the last counts. */
export function containerVariables(env: readonly EnvVar[]): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const { name, source } of env) {
    if (source.kind !== "value") throw new PodManifestError(`variable ${name} has no value`);
    variables.set(name, expand(source.value, variables));
  }
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
