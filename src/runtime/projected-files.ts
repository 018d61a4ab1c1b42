// The files of a projected volume: what its ConfigMaps, Secrets and downward API items hold now. Pure.
// Invariant: no message holds a value, only names and keys.

import type { ConfigObjects } from "../pod/config-objects.ts";
import type { Pod } from "../pod/pod.ts";
import type { ProjectedSource } from "../pod/volume.ts";
import { fieldValue, resourceValue } from "./downward.ts";
import { notFound, type Surroundings } from "./environment.ts";
import type { PayloadFile } from "./payload.ts";

/** By path, relative to the volume; where two sources have the same path the later counts. Throws Error with the kubelet's wording. */
export function projectedFiles(
  pod: Pod,
  sources: readonly ProjectedSource[],
  surroundings: Surroundings,
): ReadonlyMap<string, PayloadFile> {
  return new Map(sources.flatMap((source) => filesOf(pod, source, surroundings)));
}

type Entry = readonly [path: string, file: PayloadFile];

function filesOf(pod: Pod, source: ProjectedSource, surroundings: Surroundings): readonly Entry[] {
  switch (source.kind) {
    case "configMap":
    case "secret":
      return objectFiles(pod.namespace, source, surroundings.objects);
    case "downwardAPI":
      return source.items.map(({ path, mode, source: item }) => {
        const { machine } = surroundings;
        const value =
          item.kind === "field"
            ? fieldValue(pod, item.fieldPath, machine)
            : resourceValue(pod, item, { asking: undefined, machine });
        // Of a field that is not known yet the kubelet has nothing either.
        return [path, { content: Buffer.from(value ?? ""), mode: mode ?? source.defaultMode }];
      });
    default:
      return source satisfies never;
  }
}

const keyWord = { configMap: "config", secret: "secret" } as const;

function objectFiles(
  namespace: string,
  source: Extract<ProjectedSource, { readonly kind: "configMap" | "secret" }>,
  objects: ConfigObjects,
): readonly Entry[] {
  const { kind, name, items, optional, defaultMode } = source;
  const object = (kind === "secret" ? objects.secrets : objects.configMaps).get(`${namespace}/${name}`);
  if (object === undefined) {
    if (optional) return [];
    throw new Error(notFound(kind, name));
  }
  if (items === undefined)
    return [...object.data].map(([key, content]) => [key, { content, mode: defaultMode }]);
  return items.flatMap(({ key, path, mode }): readonly Entry[] => {
    const content = object.data.get(key);
    if (content !== undefined) return [[path, { content, mode: mode ?? defaultMode }]];
    if (optional) return [];
    throw new Error(`references non-existent ${keyWord[kind]} key: ${key}`);
  });
}
