// The pods that are measured: as small as can be, and ending at once when told.

import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { run, uuidOf } from "../e2e/machine.ts";
import { waitUntil } from "../wait-until.ts";

export interface BenchPod {
  readonly name: string;
  readonly image: string;
  readonly script: string;
  /** Else the pod has a network of its own. */
  readonly isOnHostNetwork?: boolean;
  /** More lines of its container. */
  readonly more?: string;
}

export function benchPod({ name, image, script, isOnHostNetwork = true, more = "" }: BenchPod): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  hostNetwork: ${isOnHostNetwork}
  terminationGracePeriodSeconds: 2
  containers:
    - name: main
      image: ${image}
      command: [/bin/sh, -c, ${JSON.stringify(script)}]
${more}`;
}

/** Says when it has started, and when it was told to end. */
export function announcing(first: string, last: string): string {
  return `trap "echo ${last}; exit 0" TERM; echo ${first}; sleep 100000 & wait $!`;
}

/** The process of its app, which a pod that has just been started may not have yet. */
export function pidOf(pod: Pod): Promise<number> {
  const unit = `gantry-${uuidOf(pod)}-main.service`;
  return waitUntil(`a process of ${unit}`, async () => {
    const pid = Number(await run("systemctl", "show", "--value", "-p", "MainPID", unit));
    return pid > 0 && pid; // a signal to 0 would be to ourselves
  });
}
