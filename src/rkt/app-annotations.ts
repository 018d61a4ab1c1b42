// What an app's entry in the pod manifest says beyond appc: the kubelet's annotations, and wishes that only the built-in engine fulfils.
// Pure. A real rkt keeps them and takes no notice; unfulfilled.ts says which pods it therefore cannot run.

import { createHash } from "node:crypto";
import type { Container } from "../pod/pod.ts";
import { type AppcNameValue, engineAnnotations } from "./appc.ts";
import type { ResolvedVariable } from "./environment.ts";
import type { ResolvedMount } from "./mounts.ts";

export interface AppAnnotationOptions {
  readonly mounts: readonly ResolvedMount[];
  readonly environment: readonly ResolvedVariable[];
  readonly isNonRoot: boolean;
}

export function appAnnotations(
  container: Container,
  { mounts, environment, isNonRoot }: AppAnnotationOptions,
): readonly AppcNameValue[] {
  const terminationFile = mounts.find(({ mountPath }) => mountPath === container.terminationMessagePath);
  const propagation = mounts.flatMap(({ mountPath, propagation }) =>
    propagation === "None" ? [] : [[mountPath, propagation] as const],
  );
  const podIpVariables = environment.filter(({ value }) => value === undefined).map(({ name }) => name);
  return Object.entries({
    "io.kubernetes.container.name": container.name,
    "rkt.kubernetes.io/container-hash": containerHash(container),
    "rkt.kubernetes.io/termination-message-path": terminationFile?.hostPath,
    [engineAnnotations.privileged]: container.securityContext.privileged ? "true" : undefined,
    [engineAnnotations.runAsNonRoot]: isNonRoot ? "true" : undefined,
    [engineAnnotations.mountPropagation]:
      propagation.length > 0 ? JSON.stringify(Object.fromEntries(propagation)) : undefined,
    [engineAnnotations.podIpVariables]:
      podIpVariables.length > 0 ? JSON.stringify(podIpVariables) : undefined,
  }).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
}

/** A number, as the kubelet's; nobody but people compares it: whether a pod must be replaced says its spec hash. */
function containerHash(container: Container): string {
  return String(createHash("sha256").update(JSON.stringify(container)).digest().readUInt32BE());
}
