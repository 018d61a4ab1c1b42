// A pod in the words of the rkt and the systemd that will run it. What they have no words for is refused, before anything is made.

import type { Pod } from "../pod/pod.ts";
import { RuntimeError } from "../reconcile/runtime.ts";
import type { AppcPodManifest } from "../rkt/appc.ts";
import { type PodManifestInput, podManifest } from "../rkt/pod-manifest.ts";
import { PodManifestError } from "../rkt/pod-manifest-error.ts";
import { prepareOptions, runPreparedOptions } from "../rkt/pod-options.ts";
import type { PrepareOptions, RktClient } from "../rkt/rkt-client.ts";
import { seLinuxOptionsOf, unfulfilled } from "../rkt/unfulfilled.ts";
import type { PodUnitOptions } from "../systemd/pod-unit.ts";
import { seLinuxContext } from "../systemd/selinux-context.ts";
import { isCoreOs, machineResolver, seLinuxLabel } from "./machine.ts";

/** Throws RuntimeError (CreateContainerConfigError), as all of these. */
export function checkWishes(pod: Pod, isBuiltin: boolean): void {
  const wishes = unfulfilled(pod, { isBuiltin });
  if (wishes.length === 0) return;
  const list = wishes.map(({ field, reason }) => `${field}: ${reason}`).join("; ");
  throw new RuntimeError("CreateContainerConfigError", list);
}

export function translatePod(input: PodManifestInput): AppcPodManifest {
  return asConfigError(() => podManifest(input));
}

export async function podPrepareOptions(
  pod: Pod,
  stage1: PodManifestInput["stage1"],
): Promise<PrepareOptions> {
  const machine = { stage1, isCoreOs: await isCoreOs() };
  return asConfigError(() => prepareOptions(pod, machine));
}

/** How the pod's unit runs it. */
export async function podRun(
  pod: Pod,
  {
    uuid,
    rkt,
    network,
    isBuiltin,
  }: {
    readonly uuid: PodUnitOptions["uuid"];
    readonly rkt: RktClient;
    readonly network: string;
    readonly isBuiltin: boolean;
  },
  signal: AbortSignal,
): Promise<Pick<PodUnitOptions, "execStart" | "seLinuxContext">> {
  const options = runPreparedOptions(pod, { network, resolver: await machineResolver(), isBuiltin });
  const asked = seLinuxOptionsOf(pod);
  return {
    execStart: rkt.runPreparedArgv(uuid, options),
    seLinuxContext:
      asked === undefined ? undefined : seLinuxContext(await seLinuxLabel(rkt.dataDir, signal), asked),
  };
}

function asConfigError<T>(translate: () => T): T {
  try {
    return translate();
  } catch (error) {
    if (!(error instanceof PodManifestError)) throw error;
    throw new RuntimeError("CreateContainerConfigError", error.message, { cause: error });
  }
}
