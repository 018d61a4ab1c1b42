// Keeps a Pod's manifest as it was last accepted, and with it what its live revisions need of that.
// Invariant: the manifest is written last, since that it is kept says that all of this was done.

import { isLive } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { containersOf } from "../pod/stage.ts";
import { hooksOf } from "./hooks.ts";
import type { Observer } from "./observe.ts";
import type { PodDirectories } from "./pod-directory.ts";

export interface AcceptParts {
  readonly observer: Pick<Observer, "revisions">;
  readonly directories: PodDirectories;
}

/** Writes nothing that is there already. */
export async function acceptPod(pod: Pod, { observer, directories }: AcceptParts): Promise<void> {
  const isOfPod = ({
    podUid,
    specHash,
  }: {
    readonly podUid: Pod["uid"];
    readonly specHash: Pod["specHash"];
  }) => podUid === pod.uid && specHash === pod.specHash;
  for (const { uuid, stage } of observer.revisions.filter(isLive).filter(isOfPod)) {
    const record = await directories.record(pod.uid, uuid);
    const preStop = Object.fromEntries(hooksOf(containersOf(pod.spec, stage), "preStop"));
    if (record === undefined || Bun.deepEquals(preStop, record.preStop)) continue;
    await directories.setRecord(pod.uid, uuid, { ...record, preStop });
  }
  await directories.create(pod);
}
