// Which pod goes first when the machine is short of something, and what it is told: the kubelet's rules
// (pkg/kubelet/eviction/helpers.go). Pure.
// Invariant: a critical pod goes only when nothing else is left, and never for the sake of a disk.

import type { PodKey, PodUid } from "../pod/names.ts";
import type { MetThreshold, Resource } from "./threshold.ts";
import { signalTraits } from "./threshold.ts";

/** A pod that runs, with what it asked for and what it uses. Undefined: not measured. */
export interface Candidate {
  readonly key: PodKey;
  readonly uid: PodUid;
  readonly priority: number;
  readonly memory: Use;
  readonly disk: Use;
  readonly inodes: number | undefined;
  readonly tasks: number | undefined;
  readonly containers: readonly { readonly name: string; readonly memory: Use; readonly disk: Use }[];
}

/** Bytes. */
export interface Use {
  readonly request: number;
  readonly used: number | undefined;
}

/** From which on a pod is one that the machine needs (system-cluster-critical). */
const criticalPriority = 2_000_000_000;

/** The first one is to go. */
export function rankForEviction(candidates: readonly Candidate[], resource: Resource): readonly Candidate[] {
  const isCritical = ({ priority }: Candidate) => priority >= criticalPriority;
  const isDisk = resource === "ephemeral-storage" || resource === "inodes";
  return candidates
    .filter((candidate) => !(isDisk && isCritical(candidate)))
    .toSorted(
      (a, b) =>
        Number(isCritical(a)) - Number(isCritical(b)) ||
        compareUse(a, b, resource) ||
        (a.key < b.key ? -1 : 1),
    );
}

/** By whether it uses more than it asked for, then by priority, then by how much more; what was not measured before all else. */
function compareUse(a: Candidate, b: Candidate, resource: Resource): number {
  const [useA, useB] = [useOf(a, resource), useOf(b, resource)];
  const byPriority = a.priority - b.priority;
  if (resource === "pids") return byPriority || (useB.used ?? 0) - (useA.used ?? 0);
  return (
    Number(useB.used === undefined) - Number(useA.used === undefined) ||
    Number(excess(useB) > 0) - Number(excess(useA) > 0) ||
    byPriority ||
    excess(useB) - excess(useA)
  );
}

function useOf({ memory, disk, inodes, tasks }: Candidate, resource: Resource): Use {
  switch (resource) {
    case "memory":
      return memory;
    case "ephemeral-storage":
      return disk;
    case "inodes":
      return { request: 0, used: inodes };
    case "pids":
      return { request: 0, used: tasks };
    default:
      return resource satisfies never;
  }
}

function excess({ request, used = 0 }: Use): number {
  return used - request;
}

/** Why, in the kubelet's words. */
export function evictionMessage({ signal, quantity, available }: MetThreshold, victim: Candidate): string {
  const { resource } = signalTraits[signal];
  const sentences = [
    `The node was low on resource: ${resource}.`,
    `Threshold quantity: ${formatQuantity(quantity, resource)}, available: ${formatQuantity(available, resource)}.`,
  ];
  for (const { name, memory, disk } of victim.containers) {
    if (resource !== "memory" && resource !== "ephemeral-storage") continue;
    const { used, request } = resource === "memory" ? memory : disk;
    if (used === undefined || used <= request) continue;
    const amounts = `using ${formatQuantity(used, resource)}, request is ${formatQuantity(request, resource)}`;
    sentences.push(`Container ${name} was ${amounts}, has larger consumption of ${resource}.`);
  }
  return sentences.join(" ");
}

/** Kubernetes' canonical form: of bytes binary, as far as it is exact. */
export function formatQuantity(amount: number, resource: Resource): string {
  const isBytes = resource === "memory" || resource === "ephemeral-storage";
  const factor = isBytes ? 1024 : 1000;
  const suffixes = isBytes ? ["", "Ki", "Mi", "Gi", "Ti", "Pi"] : ["", "k", "M", "G", "T", "P"];
  let rest = Math.floor(amount);
  let at = 0;
  for (; at < suffixes.length - 1 && rest !== 0 && rest % factor === 0; at++) rest /= factor;
  return `${rest}${suffixes[at]}`;
}
