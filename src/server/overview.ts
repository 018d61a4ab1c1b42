// GET /: what a person wants to see first, as text: the pods, and what needs mending.

import { Hono } from "hono";
import type { ContainerStateTerminated, ContainerStatus, Pod } from "kubernetes-types/core/v1";
import type { Clock } from "../host/clock.ts";
import { formatProblem } from "../pod/problem.ts";
import { formatAge } from "./age.ts";
import type { ServerEnv } from "./connection.ts";
import type { ManifestsView } from "./manifests.ts";
import type { PodsView } from "./pods.ts";
import { textResponse } from "./response.ts";

export function overviewRoutes(options: {
  status: PodsView;
  manifests: ManifestsView;
  clock: Pick<Clock, "wallMs">;
}): Hono<ServerEnv> {
  return new Hono<ServerEnv>().get("/", () => {
    const pods = options.status.list();
    const problems = [...manifestProblems(options.manifests), ...pods.flatMap(containerProblems)];
    const parts = [podTable(pods, options.clock.wallMs())];
    if (problems.length > 0) parts.push(`Problems:\n${problems.map((line) => `  ${line}\n`).join("")}`);
    return textResponse(parts.join("\n"));
  });
}

function podTable(pods: readonly Pod[], nowMs: number): string {
  if (pods.length === 0) return "No pods.\n";
  const rows = pods.map((pod) => podRow(pod, nowMs));
  return formatTable([["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"], ...rows]);
}

function podRow({ metadata, spec, status }: Pod, nowMs: number): string[] {
  const containers = status?.containerStatuses ?? [];
  const readyCount = containers.filter(({ ready }) => ready).length;
  // A restart is one of all containers (they share fate), so their counts are not added up.
  const restarts = Math.max(0, ...containers.map(({ restartCount }) => restartCount));
  const startedAt = status?.startTime ?? metadata?.creationTimestamp;
  return [
    metadata?.namespace ?? "",
    metadata?.name ?? "",
    `${readyCount}/${spec?.containers.length ?? 0}`,
    podState(status?.phase ?? "Unknown", containers),
    String(restarts),
    startedAt === undefined ? "-" : formatAge(nowMs - Date.parse(startedAt)),
  ];
}

/** kubectl's STATUS column: the first reason that a container has for not running, else the phase. */
function podState(phase: string, containers: readonly ContainerStatus[]): string {
  for (const { state } of containers) {
    const reason = state?.waiting?.reason ?? state?.terminated?.reason;
    if (reason !== undefined && reason !== "") return reason;
  }
  return phase;
}

function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("   ")
          .trimEnd()}\n`,
    )
    .join("");
}

function manifestProblems(manifests: ManifestsView): string[] {
  const rejected = manifests
    .files()
    .flatMap((file) => (file.state === "rejected" ? file.problems.map(formatProblem) : []));
  return manifests.unreadable === undefined ? rejected : [manifests.unreadable, ...rejected];
}

function containerProblems({ metadata, status }: Pod): string[] {
  return (status?.containerStatuses ?? []).flatMap(({ name, state, lastState }) => {
    const { reason, message } = state?.waiting ?? {};
    if (message === undefined || message === "") return [];
    const before = reason === "CrashLoopBackOff" ? endOf(lastState?.terminated) : "";
    return [`${metadata?.namespace}/${metadata?.name}: ${name}: ${reason}: ${message}${before}`];
  });
}

/** That it is waiting says nothing of why: how it ended last. */
function endOf(terminated: ContainerStateTerminated | undefined): string {
  if (terminated === undefined) return "";
  const { exitCode, reason = "Error", message = "" } = terminated;
  const words = message.trim().split("\n", 1)[0];
  return `; it ended with exit code ${exitCode} (${reason})${words ? `: ${words}` : ""}`;
}
