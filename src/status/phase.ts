// A Pod's phase, by the kubelet's rules (pkg/kubelet/kubelet_pods.go, getPhase). Pure.

import type { ContainerStateTerminated, ContainerStatus } from "kubernetes-types/core/v1";
import type { RestartPolicy } from "../pod/pod.ts";
import type { Stage } from "../pod/stage.ts";

export type Phase = "Pending" | "Running" | "Succeeded" | "Failed";

/** By what they are run in. */
export type StatusesByKind = Readonly<Record<Stage["kind"], readonly ContainerStatus[]>>;

/** A container that waits counts as how it ended last, if it did: Kubernetes forgets no phase between two starts. */
export function podPhase(policy: RestartPolicy, { init, sidecar, containers }: StatusesByKind): Phase {
  if (policy === "Never" && init.some((status) => (endOf(status)?.exitCode ?? 0) !== 0)) return "Failed";
  const isInitializing =
    init.some((status) => !endOf(status)) || sidecar.some((status) => !hasStarted(status));
  if (isInitializing && !containers.some(isBegun)) return "Pending";
  if (![...sidecar, ...containers].every(isBegun)) return "Pending";
  if ([...sidecar, ...containers].some(({ state }) => state?.running) || policy === "Always")
    return "Running";
  if (containers.every((status) => endOf(status)?.exitCode === 0)) return "Succeeded";
  return policy === "Never" ? "Failed" : "Running";
}

/** How it ended last, unless it runs. */
function endOf({ state, lastState }: ContainerStatus): ContainerStateTerminated | undefined {
  return state?.running ? undefined : (state?.terminated ?? lastState?.terminated);
}

function isBegun(status: ContainerStatus): boolean {
  return status.state?.running !== undefined || endOf(status) !== undefined;
}

/** A sidecar that has been and is restarted holds nothing back. */
function hasStarted(status: ContainerStatus): boolean {
  return status.state?.running ? status.started === true : endOf(status) !== undefined;
}
