// What rkt has no command for. `network-release` is what a pod's main process ends with; `network-check` is for people.

import type { Command, Context } from "../command.ts";
import { EngineError, withFileErrors } from "../engine-error.ts";
import { Lock } from "../lock.ts";
import type { Pod } from "../pod.ts";
import { PodStore } from "../pod-store.ts";
import { lockPod } from "../remove-pod.ts";
import { checkNetwork, releaseNetwork } from "./pod-network.ts";

export const networkRelease: Command = {
  name: "network-release",
  synopsis: "UUID",
  needsRoot: true,
  flags: {},
  run: async (context) => {
    const pod = findPod(context);
    using lock = lockPod(pod);
    if (lock === undefined && !inheritsLock(pod))
      throw new EngineError(`pod "${pod.uuid}" is currently running`);
    await releaseNetwork(pod);
    return 0;
  },
};

/** Asks the plugins whether all is as they set it up. */
export const networkCheck: Command = {
  name: "network-check",
  synopsis: "UUID",
  needsRoot: true,
  flags: {},
  run: async (context) => {
    await checkNetwork(findPod(context));
    return 0;
  },
};

function findPod({ args: [uuid = ""], dir }: Context): Pod {
  return withFileErrors("problem retrieving pod", () => new PodStore(dir).find(uuid));
}

/** The main process holds it as its standard input. */
function inheritsLock({ lockPath }: Pod): boolean {
  return new Lock(0).isOn(lockPath);
}
