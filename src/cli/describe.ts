// `gantry describe pod`: all that there is to know of a pod, for people.

import type { Container, ContainerStatus, Event, EventList, Pod, Volume } from "kubernetes-types/core/v1";
import { systemClock } from "../host/clock.ts";
import { formatAge } from "../pod/age.ts";
import { summarizePod } from "../pod/pod-summary.ts";
import { AgentClient, type ServerOptions } from "./agent-client.ts";
import { describeContainer, timeText } from "./describe-container.ts";
import { UsageError } from "./failure.ts";
import { findPod, listPods, nameOf, podTypes } from "./find-pods.ts";
import { formatOutline, nested, type Outline } from "./outline.ts";
import { print } from "./output.ts";
import { none } from "./resource.ts";
import { Table } from "./table.ts";

export interface PodsOptions extends ServerOptions {
  readonly namespace: string;
}

/** The Pods that `what` names, as `pod NAME…` or `pod/NAME…`; all of the namespace where it names none. */
export async function podsNamed(
  client: AgentClient,
  what: readonly string[],
  namespace: string,
): Promise<readonly Pod[]> {
  const [first = "", ...rest] = what;
  const names = first.includes("/") ? what : rest;
  if (!first.includes("/") && !podTypes.includes(first))
    throw new UsageError(`there is no type ${JSON.stringify(first)} here; write pod NAME, or pod/NAME`);
  const { items } = await listPods(client);
  if (names.length === 0) return items.filter((pod) => nameOf(pod).namespace === namespace);
  return names.map((name) => findPod(items, name, namespace));
}

/** Resolves with the exit code. */
export async function runDescribe(what: readonly string[], options: PodsOptions): Promise<number> {
  const client = await AgentClient.create(options);
  const pods = await podsNamed(client, what, options.namespace);
  const { items: events } = await client.json<EventList>("/events");
  const nowMs = systemClock.wallMs();
  await print(pods.map((pod) => describePod(pod, eventsOf(pod, events), nowMs)).join("\n\n"));
  return 0;
}

function eventsOf(pod: Pod, events: readonly Event[]): readonly Event[] {
  const { namespace, name } = nameOf(pod);
  return events.filter(
    ({ involvedObject }) =>
      involvedObject.kind === "Pod" && involvedObject.namespace === namespace && involvedObject.name === name,
  );
}

function describePod(pod: Pod, events: readonly Event[], nowMs: number): string {
  const { spec, status } = pod;
  return (
    formatOutline(head(pod)) +
    containers("Init Containers", spec?.initContainers, status?.initContainerStatuses) +
    containers("Containers", spec?.containers, status?.containerStatuses) +
    `Conditions:\n${conditionTable(pod)}` +
    formatOutline([["Volumes", volumes(spec?.volumes)]]) +
    formatOutline([["QoS Class", status?.qosClass ?? ""]]) +
    eventTable(events, nowMs)
  );
}

function head(pod: Pod): Outline {
  const { metadata, spec, status } = pod;
  const pairs = (values: Readonly<Record<string, string>> | undefined, separator: string) => {
    const lines = Object.entries(values ?? {}).map(([key, value]) => `${key}${separator}${value}`);
    return lines.length === 0 ? none : lines;
  };
  return [
    ["Name", metadata?.name ?? ""],
    ["Namespace", metadata?.namespace ?? ""],
    ["Priority", String(spec?.priority ?? 0)],
    ["Node", `${spec?.nodeName ?? ""}/${status?.hostIP ?? ""}`],
    ["Start Time", timeText(status?.startTime)],
    ["Labels", pairs(metadata?.labels, "=")],
    ["Annotations", pairs(metadata?.annotations, ": ")],
    ["Status", summarizePod(pod).status],
    ["Reason", status?.reason],
    ["Message", status?.message],
    ["IP", status?.podIP ?? ""],
  ];
}

function containers(
  title: string,
  all: readonly Container[] | undefined,
  statuses: readonly ContainerStatus[] | undefined,
): string {
  if (all === undefined || all.length === 0) return "";
  const outlines = all.map((container): Outline[number] => [
    container.name,
    nested(
      describeContainer(
        container,
        statuses?.find(({ name }) => name === container.name),
      ),
    ),
  ]);
  return formatOutline([[title, nested(outlines)]]);
}

function conditionTable({ status }: Pod): string {
  const rows = (status?.conditions ?? []).map(({ type, status: is, reason = "", message = "" }) => [
    `  ${type}`,
    is,
    reason,
    message,
  ]);
  return new Table().add([["  Type", "Status", "Reason", "Message"], ...rows]);
}

function volumes(all: readonly Volume[] | undefined): string | ReturnType<typeof nested> {
  if (all === undefined || all.length === 0) return none;
  return nested(
    all.map(({ name, ...source }): Outline[number] => {
      const [kind = "", details = {}] = Object.entries(source)[0] ?? [];
      const fields = Object.entries(details as object).map(([field, value]): Outline[number] => [
        field,
        typeof value === "string" ? value : JSON.stringify(value),
      ]);
      return [name, nested([["Type", kind], ...fields])];
    }),
  );
}

function eventTable(events: readonly Event[], nowMs: number): string {
  if (events.length === 0) return formatOutline([["Events", none]]);
  const rows = events.map(({ type = "", reason = "", message = "", count = 1, source, ...times }) => {
    const since = (time: string | undefined) =>
      time === undefined ? "" : formatAge(nowMs - Date.parse(time));
    const { firstTimestamp, lastTimestamp } = times;
    const age = since(lastTimestamp);
    const seen = count > 1 ? `${age} (x${count} over ${since(firstTimestamp)})` : age;
    const color = type === "Warning" ? ("yellow" as const) : undefined;
    return [{ text: `  ${type}`, color }, reason, seen, source?.component ?? "", message];
  });
  return `Events:\n${new Table().add([["  Type", "Reason", "Age", "From", "Message"], ...rows])}`;
}
