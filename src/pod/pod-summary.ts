// A Pod in one row, by kubectl's rules (kubernetes pkg/printers/internalversion, printPod). Pure.

import type { ContainerState, ContainerStatus, Pod } from "kubernetes-types/core/v1";

export interface PodSummary {
  readonly readyCount: number;
  readonly containerCount: number;
  /** kubectl's STATUS: `Running`, `Init:1/2`, `CrashLoopBackOff`. */
  readonly status: string;
  readonly restartCount: number;
  /** RFC 3339; undefined: it was never restarted. */
  readonly restartedAt: string | undefined;
}

export function summarizePod({ metadata, spec, status }: Pod): PodSummary {
  const initStatuses = status?.initContainerStatuses ?? [];
  const sidecarNames = (spec?.initContainers ?? [])
    .filter(({ restartPolicy }) => restartPolicy === "Always")
    .map(({ name }) => name);
  const sidecars = initStatuses.filter(({ name }) => sidecarNames.includes(name));
  const containers = status?.containerStatuses ?? [];
  const initProblem = initStatus(initStatuses, sidecarNames, spec?.initContainers?.length ?? 0);
  const isInitialized = initProblem === undefined || isTrue(status?.conditions, "Initialized");
  const own = status?.reason || status?.phase || "Unknown";
  const shown = isInitialized ? containersStatus(containers, own) : initProblem;
  const isReady = isTrue(status?.conditions, "Ready");
  const isOver = status?.phase === "Succeeded" || status?.phase === "Failed";
  const counted = isInitialized ? [...sidecars, ...containers] : initStatuses;
  return {
    readyCount: [...sidecars, ...containers].filter(({ ready, state }) => ready && state?.running).length,
    containerCount: (spec?.containers.length ?? 0) + sidecarNames.length,
    status:
      metadata?.deletionTimestamp !== undefined && !isOver
        ? "Terminating"
        : shown === "Completed" && containers.some(({ ready, state }) => ready && state?.running)
          ? isReady
            ? "Running"
            : "NotReady"
          : shown,
    // Containers are restarted together, so that their counts are not added up, as kubectl would.
    restartCount: Math.max(0, ...counted.map(({ restartCount }) => restartCount)),
    restartedAt: counted
      .flatMap(({ lastState }) => lastState?.terminated?.finishedAt ?? [])
      .sort()
      .at(-1),
  };
}

/** Undefined: all have ended well, or are sidecars that run. */
function initStatus(
  statuses: readonly ContainerStatus[],
  sidecars: readonly string[],
  count: number,
): string | undefined {
  for (const [index, { name, state, started }] of statuses.entries()) {
    if (state?.terminated?.exitCode === 0 || (sidecars.includes(name) && started === true)) continue;
    if (state?.terminated) return `Init:${endOf(state.terminated)}`;
    const reason = state?.waiting?.reason ?? "";
    return `Init:${reason === "" || reason === "PodInitializing" ? `${index}/${count}` : reason}`;
  }
  return undefined;
}

/** Of the first that has a reason for not running. */
function containersStatus(statuses: readonly ContainerStatus[], otherwise: string): string {
  for (const { state } of statuses) {
    if (state?.waiting?.reason) return state.waiting.reason;
    if (state?.terminated) return endOf(state.terminated);
  }
  return otherwise;
}

function endOf({ reason, signal, exitCode }: NonNullable<ContainerState["terminated"]>): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}

function isTrue(conditions: NonNullable<Pod["status"]>["conditions"], type: string): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;
}
