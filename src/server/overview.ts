// GET /: what a person wants to see first, as text: the pods, what needs mending, and what was seen to go wrong lately.

import { Hono } from "hono";
import type {
  ContainerStateTerminated,
  NodeCondition,
  Pod,
  PodCondition,
  Event as V1Event,
} from "kubernetes-types/core/v1";
import type { Clock } from "../host/clock.ts";
import { formatAge } from "../pod/age.ts";
import { summarizePod } from "../pod/pod-summary.ts";
import { printable } from "../pod/printable.ts";
import { formatProblem } from "../pod/problem.ts";
import type { Stuck } from "../pod/stuck.ts";
import type { ServerEnv } from "./connection.ts";
import type { EventsView } from "./events.ts";
import type { ManifestsView } from "./manifests.ts";
import type { PodsView } from "./pods.ts";
import { textResponse } from "./response.ts";
import type { StatsView } from "./stats.ts";

export interface OverviewRoutesOptions {
  readonly status: PodsView;
  readonly events: EventsView;
  readonly stats: Pick<StatsView, "nodeConditions" | "stuck">;
  readonly manifests: ManifestsView;
  readonly clock: Pick<Clock, "wallMs">;
}

const warningsMax = 5;

export function overviewRoutes(options: OverviewRoutesOptions): Hono<ServerEnv> {
  const { status, events, stats, manifests, clock } = options;
  return new Hono<ServerEnv>().get("/", () => {
    const nowMs = clock.wallMs();
    const pods = status.list();
    const problems = [
      ...stats.nodeConditions().flatMap(nodeProblems),
      ...manifestProblems(manifests),
      ...pods.flatMap(podProblems),
      ...stats.stuck().map((stuck) => stuckLine(stuck, nowMs)),
    ];
    const warnings = events.list().filter(({ type }) => type === "Warning");
    return textResponse(
      [
        podTable(pods, nowMs),
        ...section("Problems", problems),
        ...section(
          "Warnings",
          warnings.slice(-warningsMax).map((event) => warningLine(event, nowMs)),
        ),
      ].join("\n"),
    );
  });
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`${title}:\n${lines.map((line) => `  ${printable(line)}\n`).join("")}`];
}

function podTable(pods: readonly Pod[], nowMs: number): string {
  if (pods.length === 0) return "No pods.\n";
  const rows = pods.map((pod) => podRow(pod, nowMs));
  return formatTable([["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"], ...rows]);
}

function podRow(pod: Pod, nowMs: number): string[] {
  const { metadata, status } = pod;
  const { readyCount, containerCount, status: word, restartCount, restartedAt } = summarizePod(pod);
  const since = (time: string | undefined) =>
    time === undefined ? "-" : formatAge(nowMs - Date.parse(time));
  const restarted = restartCount > 0 && restartedAt !== undefined ? ` (${since(restartedAt)} ago)` : "";
  return [
    metadata?.namespace ?? "",
    metadata?.name ?? "",
    `${readyCount}/${containerCount}`,
    word,
    `${restartCount}${restarted}`,
    since(metadata?.creationTimestamp ?? status?.startTime),
  ];
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

/** All but Ready are about what the machine should not have. */
function stuckLine({ what, why, sinceMs }: Stuck, nowMs: number): string {
  const words = why === "" || what.endsWith(why) ? what : `${what}: ${why}`;
  return `cannot be removed for ${formatAge(nowMs - sinceMs)}: ${words}`;
}

function nodeProblems({ type, status, message = "" }: NodeCondition): string[] {
  return (status === "True") === (type === "Ready") ? [] : [`${type}: ${message}`];
}

function manifestProblems(manifests: ManifestsView): string[] {
  const rejected = manifests
    .files()
    .flatMap((file) => (file.state === "rejected" ? file.problems.map(formatProblem) : []));
  return manifests.unreadable === undefined ? rejected : [manifests.unreadable, ...rejected];
}

function podProblems(pod: Pod): string[] {
  const { metadata, status } = pod;
  const ended = status?.reason ? [`${status.reason}: ${status.message ?? ""}`] : [];
  const lines = [
    ...ended,
    ...containerProblems(pod),
    ...(status?.conditions ?? []).flatMap(conditionProblems),
  ];
  return lines.map((line) => `${metadata?.namespace}/${metadata?.name}: ${line}`);
}

function containerProblems({ status }: Pod): string[] {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return all.flatMap(({ name, state, lastState }) => {
    const { waiting, terminated } = state ?? {};
    if (status?.phase === "Failed" && terminated && terminated.exitCode !== 0)
      return [`${name}: ${endOf(terminated)}`];
    if (!waiting?.message) return [];
    // That it is waiting says nothing of why: how it ended last.
    const last = waiting.reason === "CrashLoopBackOff" ? lastState?.terminated : undefined;
    const before = last ? `; it ${endOf(last)}` : "";
    return [`${name}: ${waiting.reason}: ${waiting.message}${before}`];
  });
}

function endOf({ exitCode, reason = "Error", message = "" }: ContainerStateTerminated): string {
  const words = message.trim().split("\n", 1)[0];
  return `ended with exit code ${exitCode} (${reason})${words ? `: ${words}` : ""}`;
}

/** Of ours, which say what nothing else here does. */
const toldConditions = ["UpToDate", "ImagesUpToDate", "CleanedUp"];

function conditionProblems({ type, reason = type, message = "" }: PodCondition): string[] {
  return toldConditions.includes(type) ? [`${reason}: ${message}`] : [];
}

/** `3m12s ago (4 times): default/web-edge1: main: BackOff: …`. */
function warningLine(event: V1Event, nowMs: number): string {
  const { involvedObject, reason, message, count = 1, lastTimestamp = "" } = event;
  const { kind, namespace, name, fieldPath } = involvedObject;
  const container = /\{(.*)\}$/.exec(fieldPath ?? "")?.[1];
  const subject = kind === "Pod" ? `${namespace}/${name}` : `node ${name}`;
  const times = count > 1 ? ` (${count} times)` : "";
  const parts = [subject, ...(container === undefined ? [] : [container]), reason, message];
  return `${formatAge(nowMs - Date.parse(lastTimestamp))} ago${times}: ${parts.join(": ")}`;
}
