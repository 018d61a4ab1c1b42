// A pod in the words of the rkt and the systemd that will run it. What they have no words for is refused, before anything is made.

import { errorChain } from "../host/error.ts";
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

interface Rkt {
  readonly rkt: RktClient;
  readonly isBuiltin: boolean;
}

/** Throws RuntimeError (CreateContainerConfigError), as all of these. */
export async function checkWishes(
  pod: Pod,
  { rkt, isBuiltin, missingPids }: Rkt & { readonly missingPids: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  const wishes = [...unfulfilled(pod, { isBuiltin })];
  if (missingPids !== undefined && !pod.spec.hostPID)
    wishes.push({ field: "spec.hostPID", reason: `must be true here, since ${missingPids}` });
  if (isBuiltin && (await podSeLinuxContext(pod, rkt, signal)) !== undefined)
    wishes.push({ field: "seLinuxOptions", reason: "the built-in engine gives apps no SELinux label" });
  if (wishes.length === 0) return;
  const list = wishes.map(({ field, reason }) => `${field}: ${reason}`).join("; ");
  throw new RuntimeError("CreateContainerConfigError", list);
}

/** Undefined where none is asked for, and on a machine without SELinux, where it means nothing. */
async function podSeLinuxContext(pod: Pod, rkt: RktClient, signal: AbortSignal): Promise<string | undefined> {
  const asked = seLinuxOptionsOf(pod);
  if (asked === undefined) return undefined;
  const label = await seLinuxLabel(rkt.dataDir, signal).catch((error: unknown) => {
    const message = `Cannot read the SELinux label of ${rkt.dataDir}: ${errorChain(error)}`;
    throw new RuntimeError("CreateContainerError", message);
  });
  return label === undefined ? undefined : seLinuxContext(label, asked);
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
    isBuiltin,
    network,
  }: Rkt & { readonly uuid: PodUnitOptions["uuid"]; readonly network: string },
  signal: AbortSignal,
): Promise<Pick<PodUnitOptions, "execStart" | "seLinuxContext">> {
  const options = runPreparedOptions(pod, { network, resolver: await machineResolver(), isBuiltin });
  return {
    execStart: rkt.runPreparedArgv(uuid, options),
    seLinuxContext: await podSeLinuxContext(pod, rkt, signal),
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
