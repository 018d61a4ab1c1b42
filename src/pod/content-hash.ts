// What a pod's projected volumes are made from, as one digest: it changes when their files may have to.
// Invariant: a Secret's values go in, and nothing that they could be read from comes out but to who guesses them; so it is shown to nobody.

import { createHash } from "node:crypto";
import type { ConfigObjects } from "./config-objects.ts";
import type { ContentHash } from "./names.ts";
import type { Pod } from "./pod.ts";
import type { ProjectedSource } from "./volume.ts";

/** Undefined for a pod whose volumes' contents are its own affair. How they are laid out is part of the spec and so of its hash. */
export function contentHash(
  pod: Pick<Pod, "namespace" | "labels" | "annotations" | "spec">,
  objects: ConfigObjects,
): ContentHash | undefined {
  const sources = pod.spec.volumes.flatMap((volume) => (volume.kind === "projected" ? volume.sources : []));
  if (sources.length === 0) return undefined;
  const hash = createHash("sha256");
  // Each part is its length and its bytes: no two contents read the same.
  const add = (part: string | Uint8Array) => {
    const bytes = Buffer.from(part);
    hash.update(`${bytes.length}:`).update(bytes);
  };
  for (const source of sources) {
    add(source.kind);
    for (const [key, value] of entriesOf(source, pod, objects)) {
      add(key);
      add(value);
    }
  }
  return hash.digest("hex").slice(0, 32) as ContentHash;
}

function entriesOf(
  source: ProjectedSource,
  { namespace, labels, annotations }: Pick<Pod, "namespace" | "labels" | "annotations">,
  { configMaps, secrets }: ConfigObjects,
): readonly (readonly [string, string | Uint8Array])[] {
  switch (source.kind) {
    case "configMap":
    case "secret": {
      const object = (source.kind === "secret" ? secrets : configMaps).get(`${namespace}/${source.name}`);
      return object === undefined ? [["missing", source.name]] : [["name", source.name], ...object.data];
    }
    case "downwardAPI":
      return [...Object.entries(labels).sort(byKey), ...Object.entries(annotations).sort(byKey)];
    default:
      return source satisfies never;
  }
}

function byKey([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1;
}
