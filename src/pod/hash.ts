// Change detection and identity. Invariant: only what the user wrote goes in, so that a new gantry restarts no pod.

import { createHash } from "node:crypto";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import type { PodUid, SpecHash } from "./names.ts";

/** What is acted on without a restart. */
const inPlace = {
  spec: ["activeDeadlineSeconds", "priority", "priorityClassName"],
  container: ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"],
};

/** Digest of what of a manifest's `spec` as written, before defaults, forces a restart: the order of keys does not matter. */
export function specHash(spec: Json): SpecHash {
  return wholeHash(restartingPart(spec));
}

/** Of anything else that forces a restart; of a spec, as versions up to 0.1.0 made it, which ignored the priority but hashed it. */
export function wholeHash(value: Json): SpecHash {
  return createHash("sha256").update(canonicalJson(value)).digest("hex").slice(0, 32) as SpecHash;
}

/** A static pod's uid: md5 of node, manifest path and content, as the kubelet makes it of its own serialisation. */
export function staticPodUid(node: string, file: string, manifest: Json): PodUid {
  return createHash("md5")
    .update(canonicalJson([node, file, manifest]))
    .digest("hex") as PodUid;
}

function restartingPart(spec: Json): Json {
  if (!isJsonObject(spec)) return spec;
  const entries = Object.entries(without(spec, inPlace.spec)).map(([name, value]) => [
    name,
    name === "containers" || name === "initContainers" ? restartingContainers(value) : value,
  ]);
  return Object.fromEntries(entries);
}

function restartingContainers(containers: Json): Json {
  if (!Array.isArray(containers)) return containers;
  return containers.map((container: Json) =>
    isJsonObject(container) ? without(container, inPlace.container) : container,
  );
}

function without(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

function canonicalJson(value: Json): string {
  return JSON.stringify(value, (_key, inner: Json) =>
    isJsonObject(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
