// What a pod is made from beside its manifest, as digests that change when something of it does.
// Invariant: a Secret's values go in; whoever guesses them could tell by the digest, so it is shown to nobody.

import { createHash } from "node:crypto";
import type { ConfigObjects } from "./config-objects.ts";
import type { ContentHash } from "./names.ts";
import type { Pod } from "./pod.ts";
import { allContainersOf } from "./stage.ts";
import type { ProjectedSource } from "./volume.ts";

/**
 * Of what projected volumes hold. Undefined for a pod whose volumes' contents are its own affair. How they are laid out is part of the spec
 * and so of its hash.
 */
export function contentHash(
  pod: Pick<Pod, "namespace" | "labels" | "annotations" | "spec">,
  objects: ConfigObjects,
): ContentHash | undefined {
  const sources = pod.spec.volumes.flatMap((volume) => (volume.kind === "projected" ? volume.sources : []));
  if (sources.length === 0) return undefined;
  return digest(sources.flatMap((source) => [source.kind, ...partsOf(source, pod, objects)]));
}

/** Of all ConfigMaps and Secrets that its start depends on: with others, another try may end better. */
export function objectsHash(pod: Pick<Pod, "namespace" | "spec">, objects: ConfigObjects): ContentHash {
  return digest(
    referencesOf(pod).flatMap(({ kind, name }) => [
      kind,
      ...objectParts(kind, `${pod.namespace}/${name}`, objects),
    ]),
  );
}

interface Reference {
  readonly kind: "configMap" | "secret";
  readonly name: string;
}

function referencesOf({ spec }: Pick<Pod, "spec">): readonly Reference[] {
  const volumes = spec.volumes.flatMap((volume) => (volume.kind === "projected" ? volume.sources : []));
  const containers = allContainersOf(spec);
  const variables = containers.flatMap(({ env }) => env.map(({ source }) => source));
  return [
    ...volumes.flatMap((source) => (source.kind === "downwardAPI" ? [] : [source])),
    ...containers.flatMap(({ envFrom }) => envFrom),
    ...variables.flatMap((source): readonly Reference[] => {
      if (source.kind !== "configMapKey" && source.kind !== "secretKey") return [];
      return [{ kind: source.kind === "secretKey" ? "secret" : "configMap", name: source.name }];
    }),
    ...spec.imagePullSecrets.map((name) => ({ kind: "secret", name }) as const),
  ];
}

type Part = string | Uint8Array;

/** Each part with its length, so that no two lists read the same. */
function digest(parts: readonly Part[]): ContentHash {
  const hash = createHash("sha256");
  for (const part of parts) {
    const bytes = Buffer.from(part);
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex").slice(0, 32) as ContentHash;
}

function partsOf(
  source: ProjectedSource,
  { namespace, labels, annotations }: Pick<Pod, "namespace" | "labels" | "annotations">,
  objects: ConfigObjects,
): readonly Part[] {
  switch (source.kind) {
    case "configMap":
    case "secret":
      return objectParts(source.kind, `${namespace}/${source.name}`, objects);
    case "downwardAPI":
      return [labels, annotations].flatMap((map) => Object.entries(map).sort(byKey).flat());
    default:
      return source satisfies never;
  }
}

function objectParts(
  kind: Reference["kind"],
  key: string,
  { configMaps, secrets }: ConfigObjects,
): readonly Part[] {
  const object = (kind === "secret" ? secrets : configMaps).get(key);
  return object === undefined ? [key, "missing"] : [key, ...[...object.data].flat()];
}

function byKey([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1;
}
