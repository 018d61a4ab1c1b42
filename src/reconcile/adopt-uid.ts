// A Pod's uid comes from where and how its manifest is written, but what runs keeps the uid that it was started with:
// a renamed file or another label replaces nothing (kubelet v1.5 config.go keeps the first uid; later kubelets restart the pod). Pure.

import type { Desired } from "../pod/desired.ts";
import { lineageOf } from "../pod/lineage.ts";
import { podKeyOf } from "../pod/names.ts";
import type { Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";

export function adoptUids(desired: Desired, revisions: readonly Revision[]): Desired {
  const byKey = Map.groupBy(revisions, ({ key }) => key);
  return {
    ...desired,
    pods: desired.pods.map((pod) => adoptUid(pod, byKey.get(podKeyOf(pod)) ?? [])),
  };
}

/** `revisions` are those of the Pod's key. */
export function adoptUid(pod: Pod, revisions: readonly Revision[]): Pod {
  const { running, stopping, exited } = lineageOf(revisions);
  const live = [...running, ...stopping];
  const last = live.length > 0 ? live.find(({ specHash }) => specHash === pod.specHash) : exited[0];
  const isSame = last?.specHash === pod.specHash && last.podUid !== pod.uid;
  return isSame ? { ...pod, uid: last.podUid } : pod;
}
