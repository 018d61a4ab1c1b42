// Which stage1 runs a pod, as far as a client can know, and what that does to an app's command line. Pure.

import type { Pod } from "../pod/pod.ts";
import { PodManifestError } from "./pod-manifest-error.ts";

export interface Stage1 {
  /** Empty: what the file says, else rkt's own. */
  readonly name: string;
  /** An image file; empty: what the name says, else rkt's own. */
  readonly path: string;
}

/** Of the pod, and of the rkt pod made for it: the kubelet's. */
export const stage1Annotation = "rkt.alpha.kubernetes.io/stage1-name-override";

/** The pod's wish before the machine's. Throws PodManifestError where the pod may not have one. */
export function stage1Of(pod: Pod, machine: Stage1): Stage1 {
  const name = pod.annotations[stage1Annotation];
  if (name === undefined || name === "") return machine;
  if (!isPrivileged(pod))
    throw new PodManifestError(
      `cannot make "${pod.name}_${pod.namespace}(${pod.uid})": running a custom stage1 requires a privileged security context`,
    );
  return { name, path: "" };
}

/** Every container is: no single one gets what others are denied. */
export function isPrivileged({ spec }: Pod): boolean {
  return spec.containers.every(({ securityContext }) => securityContext.privileged);
}

/**
 * Arguments so that they arrive as written. Up to rkt 1.30, its last, a stage1 with a systemd in it (coreos, host, src, kvm) writes them
 * into a unit with `$`, quotes and backslashes escaped but `%` not (rkt issue 3925). The fly stage1 has no systemd; one that nobody named
 * is taken for rkt's default, which has. The program's own path cannot be helped: rkt looks it up in the image as it stands.
 */
export function stage1Arguments(
  [program, ...args]: readonly string[],
  { name, path }: Stage1,
): readonly string[] {
  if (program === undefined) return [];
  const isFly = /\bfly\b/.test(name === "" ? (path.split("/").at(-1) ?? "") : name);
  return [program, ...args.map((word) => (isFly ? word : word.replaceAll("%", "%%")))];
}
