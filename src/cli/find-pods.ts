// Which Pods a person means.
// Invariant: a name without the node's at its end is as good as the whole one, where it means one Pod.

import type { Pod, PodList } from "kubernetes-types/core/v1";
import type { AgentClient } from "./agent-client.ts";
import { CommandFailure, UsageError } from "./failure.ts";

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

export async function listPods(client: AgentClient, signal?: AbortSignal): Promise<PodList> {
  return client.json<PodList>("/pods", signal && { signal });
}

export function nameOf({ metadata }: Pod): PodName {
  return { namespace: metadata?.namespace ?? "", name: metadata?.name ?? "" };
}

/** `web`, `pod/web`, `pods/web`, or any with the node's name. */
export function podNameIn(written: string): string {
  const [, type, name = ""] = /^(?:([^/]*)\/)?(.*)$/.exec(written) ?? [];
  if (type !== undefined && !podTypes.includes(type))
    throw new UsageError(`${JSON.stringify(written)} is no pod; write pod/NAME or NAME`);
  if (name === "") throw new UsageError(`${JSON.stringify(written)} names no pod`);
  return name;
}

export const podTypes: readonly string[] = ["pods", "pod", "po"];

/** Throws CommandFailure where there is none. */
export function findPod(pods: readonly Pod[], written: string, namespace: string): Pod {
  const name = podNameIn(written);
  const inNamespace = pods.filter((pod) => pod.metadata?.namespace === namespace);
  const found =
    inNamespace.find((pod) => pod.metadata?.name === name) ??
    inNamespace.find((pod) => pod.metadata?.name === `${name}-${pod.spec?.nodeName}`);
  if (found) return found;
  const elsewhere = pods.find((pod) => isNamed(pod, name))?.metadata?.namespace;
  const hint =
    elsewhere === undefined
      ? "gantry get pods -A lists them, gantry manifests tells why one may not be there"
      : `there is one in the namespace ${elsewhere}: -n ${elsewhere}`;
  throw new CommandFailure(
    `No pod ${JSON.stringify(name)} in the namespace ${JSON.stringify(namespace)} (${hint})`,
  );
}

/** Asks the agent. */
export async function findPodOf(client: AgentClient, written: string, namespace: string): Promise<Pod> {
  podNameIn(written);
  return findPod((await listPods(client)).items, written, namespace);
}

export function isNamed(pod: Pod, name: string): boolean {
  return pod.metadata?.name === name || pod.metadata?.name === `${name}-${pod.spec?.nodeName}`;
}

/** The container that is meant: the one that is named, the only one, or the first, as kubectl takes it. Throws CommandFailure. */
export function containerOf(pod: Pod, named: string | undefined): string {
  const names = containerNames(pod);
  const [first = ""] = pod.spec?.containers.map(({ name }) => name) ?? [];
  if (named === undefined)
    return pod.metadata?.annotations?.["kubectl.kubernetes.io/default-container"] ?? first;
  if (names.includes(named)) return named;
  throw new CommandFailure(
    `No container ${JSON.stringify(named)} in the pod ${JSON.stringify(pod.metadata?.name)}, which has ${names.join(", ")}`,
  );
}

/** Those of init containers last. */
export function containerNames({ spec }: Pod): readonly string[] {
  return [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map(({ name }) => name);
}
