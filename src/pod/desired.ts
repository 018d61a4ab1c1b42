// What the manifest directory says, as one value.

import { createHash } from "node:crypto";
import type { ConfigObjects } from "./config-objects.ts";
import type { ContentHash, PodKey } from "./names.ts";
import type { Pod } from "./pod.ts";
import type { Problem } from "./problem.ts";

export interface Desired {
  /** Every accepted Pod; of a rejected file, the Pods that were last accepted from it. No two have one key. */
  readonly pods: readonly Pod[];
  readonly objects: ConfigObjects;
  readonly files: readonly ManifestFile[];
  /** Why the directory is not ready, and what to do; undefined when it is. Then `pods` are the last known and nothing may be removed. */
  readonly unreadable: string | undefined;
}

/** A file is accepted or rejected as a whole, so that a half-good edit never half applies. */
export type ManifestFile =
  | { readonly path: string; readonly state: "accepted"; readonly pods: readonly PodKey[] }
  /** What was made from it before keeps running. */
  | {
      readonly path: string;
      readonly state: "rejected";
      readonly problems: readonly Problem[];
      /** The lines around the problems; none of a file that may hold a Secret. */
      readonly excerpt: readonly ManifestLine[];
    }
  | { readonly path: string; readonly state: "skipped"; readonly reason: string };

export interface ManifestLine {
  /** 1-based. */
  readonly line: number;
  readonly text: string;
}

/**
 * Whether Pods made from `manifest` may still be wanted although none is listed: the directory could not be read, or that
 * file is rejected now and what was accepted from it before is lost. Then nothing of them is stopped or removed.
 */
export function isHeld(desired: Desired, manifest: string): boolean {
  return (
    desired.unreadable !== undefined ||
    desired.files.some(({ path, state }) => path === manifest && state === "rejected")
  );
}

/** What is kept in a pod's directory (`manifest.json`) to know the last accepted version after a restart. */
export type AcceptedPod = Pick<Pod, "uid" | "specHash" | "source" | "wire">;

export function serializeAcceptedPod({ uid, specHash, source, wire }: Pod): string {
  const accepted: AcceptedPod = { uid, specHash, source, wire };
  return `${JSON.stringify(accepted)}\n`;
}

/** Of what serializeAcceptedPod() makes: whether what is kept is what is wanted (PodDirectory.accepted). */
export function acceptedHash(accepted: string): ContentHash {
  return createHash("sha256").update(accepted).digest("hex").slice(0, 32) as ContentHash;
}
