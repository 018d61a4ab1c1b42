// The variables of a container with the values that they have on this machine, now. Pure.
// Invariant: no message holds a value, only names and keys.

import type { ConfigObjects } from "../pod/config-objects.ts";
import type { Container, EnvFrom, EnvSource, Pod } from "../pod/pod.ts";
import { RuntimeError } from "../reconcile/runtime.ts";
import type { ResolvedVariable } from "../rkt/environment.ts";
import { fieldValue, type Machine, resourceValue } from "./downward.ts";

export interface Surroundings {
  readonly objects: ConfigObjects;
  readonly machine: Machine;
}

export interface Environment {
  /** `envFrom` first; of one name the last counts. */
  readonly variables: readonly ResolvedVariable[];
  /** What was left out, in the kubelet's words. */
  readonly notes: readonly string[];
}

/** Throws RuntimeError (CreateContainerConfigError) with the kubelet's wording. */
export function environmentOf(pod: Pod, container: Container, surroundings: Surroundings): Environment {
  const notes: string[] = [];
  const fromObjects = container.envFrom.flatMap((source) => {
    const { variables, invalid } = objectVariables(source, pod.namespace, surroundings.objects);
    if (invalid.length > 0) {
      const object = `${source.kind} ${pod.namespace}/${source.name}`;
      const reason = "were skipped since they are considered invalid environment variable names.";
      notes.push(`Keys [${invalid.join(", ")}] from the EnvFrom ${object} ${reason}`);
    }
    return variables;
  });
  const own = container.env.flatMap(({ name, source }): readonly ResolvedVariable[] => {
    if (source.kind === "value") return [{ name, value: source.value, isLiteral: false }];
    const value = sourceValue(source, { pod, container, ...surroundings });
    return value === leftOut ? [] : [{ name, value, isLiteral: true }];
  });
  return { variables: [...fromObjects, ...own], notes };
}

/** What the manifest's own variables are held to; of others the systemd in a real rkt's pod makes nothing. */
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

function objectVariables(
  { kind, name, prefix, optional }: EnvFrom,
  namespace: string,
  objects: ConfigObjects,
): { readonly variables: readonly ResolvedVariable[]; readonly invalid: readonly string[] } {
  const object = (kind === "secret" ? objects.secrets : objects.configMaps).get(`${namespace}/${name}`);
  if (object === undefined) {
    if (!optional) throw configError(notFound(kind, name));
    return { variables: [], invalid: [] };
  }
  const keys = [...object.data].sort(([a], [b]) => (a < b ? -1 : 1));
  const isValid = ([key]: [string, Uint8Array]) => variableName.test(prefix + key);
  return {
    variables: keys.filter(isValid).map(([key, bytes]) => ({
      name: prefix + key,
      value: textOf(bytes, `key ${key} in ${objectWord[kind]} ${namespace}/${name}`),
      isLiteral: true,
    })),
    invalid: keys.filter((entry) => !isValid(entry)).map(([key]) => key),
  };
}

/** An optional key that is not there makes no variable. */
const leftOut = Symbol("left out");

interface Asked extends Surroundings {
  readonly pod: Pod;
  readonly container: Container;
}

function sourceValue(
  source: Exclude<EnvSource, { readonly kind: "value" }>,
  { pod, container, objects, machine }: Asked,
): string | undefined | typeof leftOut {
  switch (source.kind) {
    case "field":
      return fieldValue(pod, source.fieldPath, machine);
    case "resource":
      return resourceValue(pod, source, { asking: container, machine });
    case "configMapKey":
    case "secretKey": {
      const kind = source.kind === "secretKey" ? "secret" : "configMap";
      const { name, key, optional } = source;
      const found = kind === "secret" ? objects.secrets : objects.configMaps;
      const object = found.get(`${pod.namespace}/${name}`);
      const bytes = object?.data.get(key);
      const place = `key ${key} in ${objectWord[kind]} ${pod.namespace}/${name}`;
      if (bytes !== undefined) return textOf(bytes, place);
      if (optional) return leftOut;
      throw configError(object === undefined ? notFound(kind, name) : `couldn't find ${place}`);
    }
    default:
      return source satisfies never;
  }
}

const objectWord = { configMap: "ConfigMap", secret: "Secret" } as const;

export function notFound(kind: "configMap" | "secret", name: string): string {
  return `${kind.toLowerCase()} ${JSON.stringify(name)} not found`;
}

function textOf(bytes: Uint8Array, place: string): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!text.includes("\0")) return text;
  } catch {
    // Not UTF-8, then.
  }
  throw configError(`${place} is no text, as a variable has to be`);
}

function configError(message: string): RuntimeError {
  return new RuntimeError("CreateContainerConfigError", message);
}
