// A pod in the words of the rkt and the systemd that will run it. What they have no words for is refused, before anything is made.

import { errorChain } from "../host/error.ts";
import type { RktUuid } from "../pod/names.ts";
import type { Pod } from "../pod/pod.ts";
import { isFirstStage, podOfStage, stagesOf } from "../pod/stage.ts";
import { RuntimeError } from "../reconcile/runtime.ts";
import type { AppcPodManifest } from "../rkt/appc.ts";
import { type PodManifestInput, podManifest } from "../rkt/pod-manifest.ts";
import { PodManifestError } from "../rkt/pod-manifest-error.ts";
import { prepareOptions, runPreparedOptions } from "../rkt/pod-options.ts";
import type { PrepareOptions, RktClient } from "../rkt/rkt-client.ts";
import { seLinuxOptionsOf, unfulfilled } from "../rkt/unfulfilled.ts";
import type { PodUnitOptions, UnitOrder } from "../systemd/pod-unit.ts";
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
  const asked = stagesOf(pod.spec).find((stage) => seLinuxOptionsOf(podOfStage(pod, stage)) !== undefined);
  if (isBuiltin && asked && (await podSeLinuxContext(podOfStage(pod, asked), rkt, signal)) !== undefined)
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

/** Of one stage. With the first the others are tried too: better no swap than one that cannot be ended. */
export function translatePod(input: PodManifestInput): AppcPodManifest {
  const { pod, attempt } = input;
  const others = isFirstStage(pod.spec, attempt.stage) ? stagesOf(pod.spec).slice(1) : [];
  return asConfigError(() => {
    for (const stage of others) podManifest({ ...input, attempt: { ...attempt, stage } });
    return podManifest(input);
  });
}

export async function podPrepareOptions(
  pod: Pod,
  stage1: PodManifestInput["stage1"],
): Promise<PrepareOptions> {
  const machine = { stage1, isCoreOs: await isCoreOs() };
  return asConfigError(() => prepareOptions(pod, machine));
}

interface RunOptions extends Rkt {
  readonly uuid: PodUnitOptions["uuid"];
  readonly network: string;
  readonly networkOf: RktUuid | undefined;
  readonly order: UnitOrder;
}

/** How the pod's unit runs it; `pod` is of one stage. */
export async function podRun(
  pod: Pod,
  { uuid, rkt, isBuiltin, network, networkOf, order }: RunOptions,
  signal: AbortSignal,
): Promise<Pick<PodUnitOptions, "execStart" | "seLinuxContext">> {
  const options = runPreparedOptions(pod, { network, resolver: await machineResolver(), isBuiltin });
  const ofEngine = { joinNetwork: networkOf, appsAfter: order.after, appsBefore: order.before };
  return {
    execStart: rkt.runPreparedArgv(uuid, { ...options, ...(isBuiltin ? ofEngine : {}) }),
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
