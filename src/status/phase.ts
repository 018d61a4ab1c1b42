// A Pod's phase, by the kubelet's table (v1.5 kubelet_pods.go, GetPhase). Pure.

import type { ContainerStatus } from "kubernetes-types/core/v1";
import type { RestartPolicy } from "../pod/pod.ts";

export type Phase = "Pending" | "Running" | "Succeeded" | "Failed";

/** A container that waits counts as how it ended last, if it did: Kubernetes forgets no phase between two starts. */
export function podPhase(policy: RestartPolicy, containers: readonly ContainerStatus[]): Phase {
  const ended = containers.flatMap(({ state, lastState }) =>
    state?.running ? [] : (state?.terminated ?? lastState?.terminated ?? []),
  );
  const running = containers.filter(({ state }) => state?.running);
  if (containers.length === 0 || running.length + ended.length < containers.length) return "Pending";
  if (running.length > 0 || policy === "Always") return "Running";
  if (ended.every(({ exitCode }) => exitCode === 0)) return "Succeeded";
  return policy === "Never" ? "Failed" : "Running";
}
