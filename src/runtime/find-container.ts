// Which container somebody means, and which of its revisions there are.

import type { PodUid } from "../pod/names.ts";
import type { Revision } from "../pod/observed-pod.ts";
import type { NoContainer } from "../pod/pod-log.ts";

/** Who knows a Pod's containers, and which of their revisions is current: the status. */
export interface ShownPods {
  get(namespace: string, name: string): ShownPod | undefined;
  revisionsOf(namespace: string, name: string, container: string): ShownRevisions | undefined;
}

export interface ShownRevisions {
  readonly current: Revision | undefined;
  readonly previous: Revision | undefined;
}

export interface ShownPod {
  readonly metadata?: { readonly uid?: string };
  readonly spec?: {
    readonly hostNetwork?: boolean;
    readonly containers: readonly { readonly name: string }[];
    readonly initContainers?: readonly { readonly name: string }[];
  };
  readonly status?: {
    readonly containerStatuses?: readonly ShownContainer[];
    readonly initContainerStatuses?: readonly ShownContainer[];
  };
}

interface ShownContainer {
  readonly name: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string };
    readonly terminated?: { readonly reason?: string };
  };
}

export interface FoundContainer extends ShownRevisions {
  readonly kind: "found";
  readonly name: string;
  /** All of the pod. */
  readonly containers: readonly string[];
  readonly podUid: PodUid;
  /** Why it does not run, as its status has it. */
  readonly reason: string;
}

/** `container` undefined: the only one that is not there to initialise. */
export function findContainer(
  pods: ShownPods,
  asked: { readonly namespace: string; readonly name: string; readonly container: string | undefined },
): FoundContainer | NoContainer {
  const { namespace, name } = asked;
  const pod = pods.get(namespace, name);
  if (pod === undefined) return { kind: "podNotFound" };
  const containers = pod.spec?.containers.map((one) => one.name) ?? [];
  const container = asked.container ?? (containers.length === 1 ? containers[0] : undefined);
  if (container === undefined) return { kind: "containerRequired", containers };
  const all = [...(pod.spec?.initContainers ?? []).map((one) => one.name), ...containers];
  const revisions = pods.revisionsOf(namespace, name, container);
  if (revisions === undefined && !all.includes(container))
    return { kind: "containerNotFound", containers: all };
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const state = [...initContainerStatuses, ...containerStatuses].find((one) => one.name === container)?.state;
  return {
    kind: "found",
    name: container,
    containers: all,
    podUid: (pod.metadata?.uid ?? "") as PodUid, // it was made from one
    current: revisions?.current,
    previous: revisions?.previous,
    reason: state?.waiting?.reason ?? state?.terminated?.reason ?? "ContainerCreating",
  };
}
