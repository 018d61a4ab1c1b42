// Change detection and identity. Invariant: only what the user wrote goes in, so that a new gantry restarts no pod.

import { createHash } from "node:crypto";
import { isJsonObject, type Json } from "./json.ts";
import type { PodUid, SpecHash } from "./names.ts";

/** Digest of a manifest's `spec` as written, before defaults: the order of keys does not matter. */
export function specHash(spec: Json): SpecHash {
  return createHash("sha256").update(canonicalJson(spec)).digest("hex").slice(0, 32) as SpecHash;
}

/** A static pod's uid: md5 of node, manifest path and content, as the kubelet makes it of its own serialisation. */
export function staticPodUid(node: string, file: string, manifest: Json): PodUid {
  return createHash("md5")
    .update(canonicalJson([node, file, manifest]))
    .digest("hex") as PodUid;
}

function canonicalJson(value: Json): string {
  return JSON.stringify(value, (_key, inner: Json) =>
    isJsonObject(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
