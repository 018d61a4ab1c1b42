// Pods as `gantry get` lists them, in kubectl's columns.

import type { Pod } from "kubernetes-types/core/v1";
import { formatAge } from "../pod/age.ts";
import { summarizePod } from "../pod/pod-summary.ts";
import { isNamed, listPods, nameOf, podTypes } from "./find-pods.ts";
import type { Color } from "./output.ts";
import { type Columns, none, type Resource, unknown } from "./resource.ts";
import type { Row } from "./table.ts";

export const podResource: Resource<Pod> = {
  names: podTypes,
  isNamespaced: true,
  watchPath: "/pods",
  async list(client) {
    const whole = await listPods(client);
    return { whole, items: whole.items };
  },
  withItems: (whole, items) => ({ ...whole, items }),
  nameOf: (pod) => nameOf(pod).name,
  namespaceOf: (pod) => nameOf(pod).namespace,
  isNamed,
  labelsOf: ({ metadata }) => metadata?.labels ?? {},
  head: ({ isWide }) => [
    "NAME",
    "READY",
    "STATUS",
    "RESTARTS",
    "AGE",
    ...(isWide ? ["IP", "NODE", "ISOLATED"] : []),
  ],
  row: podRow,
};

function podRow(pod: Pod, { isWide, nowMs }: Columns): Row {
  const { readyCount, containerCount, status, restartCount, restartedAt } = summarizePod(pod);
  const since = (time: string | undefined) =>
    time === undefined ? unknown : formatAge(nowMs - Date.parse(time));
  const isReady = readyCount === containerCount;
  return [
    nameOf(pod).name,
    `${readyCount}/${containerCount}`,
    { text: status, color: colorOf(status, isReady) },
    restartCount > 0 && restartedAt !== undefined
      ? `${restartCount} (${since(restartedAt)} ago)`
      : String(restartCount),
    since(pod.metadata?.creationTimestamp ?? pod.status?.startTime),
    ...(isWide ? [pod.status?.podIP || none, pod.spec?.nodeName || none, isolation(pod)] : []),
  ];
}

/** False where it shares the machine's process ids unasked. */
function isolation({ status }: Pod): string {
  return status?.conditions?.find(({ type }) => type === "Isolated")?.status ?? "True";
}

function colorOf(status: string, isReady: boolean): Color {
  if (status === "Completed" || status === "Succeeded") return "dim";
  if (status === "Running") return isReady ? "green" : "yellow";
  const isUnderWay = /^(Pending|ContainerCreating|PodInitializing|NotReady|Terminating|Init:\d.*)$/.test(
    status,
  );
  return isUnderWay ? "yellow" : "red";
}
