// The machine as `gantry get nodes` shows it, in kubectl's columns.

import type { Node } from "kubernetes-types/core/v1";
import { none, type Resource, unknown } from "./resource.ts";
import type { Cell } from "./table.ts";

export const nodeResource: Resource<Node> = {
  names: ["nodes", "node", "no"],
  isNamespaced: false,
  async list(client) {
    const node = await client.json<Node>("/node");
    return { whole: { kind: "NodeList", apiVersion: "v1" }, items: [node] };
  },
  withItems: (whole, items) => ({ ...whole, items }),
  nameOf: ({ metadata }) => metadata?.name ?? "",
  namespaceOf: () => undefined,
  isNamed: ({ metadata }, name) => metadata?.name === name,
  labelsOf: ({ metadata }) => metadata?.labels ?? {},
  head: ({ isWide }) => [
    "NAME",
    "STATUS",
    "VERSION",
    ...(isWide ? ["INTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"] : []),
  ],
  row(node, { isWide }) {
    const { metadata, status } = node;
    const facts = status?.nodeInfo;
    const address = status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
    return [
      metadata?.name ?? "",
      statusOf(node),
      facts?.kubeletVersion ?? "",
      ...(isWide
        ? [
            address ?? none,
            facts?.osImage ?? unknown,
            facts?.kernelVersion ?? unknown,
            facts?.containerRuntimeVersion ?? unknown,
          ]
        : []),
    ];
  },
};

/** `Ready`, unless it says otherwise, as it answers; and what the machine is short of. */
function statusOf({ status }: Node): Cell {
  const conditions = status?.conditions ?? [];
  const isReady = !conditions.some(({ type, status: is }) => type === "Ready" && is !== "True");
  const pressures = conditions
    .filter(({ type, status: is }) => type !== "Ready" && is === "True")
    .map(({ type }) => type);
  const text = [isReady ? "Ready" : "NotReady", ...pressures].join(",");
  return { text, color: !isReady ? "red" : pressures.length > 0 ? "yellow" : "green" };
}
