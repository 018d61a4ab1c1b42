// `gantry top`: what pods, containers and the machine use right now.

import { AgentClient, type ServerOptions } from "./agent-client.ts";
import { CommandFailure, UsageError } from "./failure.ts";
import { podTypes } from "./find-pods.ts";
import { formatBytes } from "./image-resource.ts";
import { print, tell } from "./output.ts";
import { unknown } from "./resource.ts";
import { type Row, Table } from "./table.ts";

export interface TopOptions extends ServerOptions {
  readonly namespace: string;
  readonly allNamespaces?: boolean;
  readonly containers?: boolean;
  readonly headers?: boolean;
  readonly sortBy?: "cpu" | "memory";
}

/** What is used of the kubelet's Summary. */
interface Summary {
  readonly node: Usage & { readonly nodeName: string };
  readonly pods: readonly PodUsage[];
}

interface PodUsage extends Usage {
  readonly podRef: { readonly name: string; readonly namespace: string };
  readonly containers: readonly (Usage & { readonly name: string })[];
}

interface Usage {
  readonly cpu?: { readonly usageNanoCores?: number };
  readonly memory?: { readonly workingSetBytes?: number; readonly availableBytes?: number };
}

/** Resolves with the exit code. */
export async function runTop(
  [type = "pods", ...names]: readonly string[],
  options: TopOptions,
): Promise<number> {
  const isNode = ["node", "nodes", "no"].includes(type);
  if (!isNode && !podTypes.includes(type))
    throw new UsageError(`top: there is no type ${JSON.stringify(type)}; there are pods and node`);
  const client = await AgentClient.create(options);
  const summary = await client.json<Summary>("/stats/summary");
  if (isNode) {
    await print(nodeTable(summary, options));
    return 0;
  }
  const pods = choose(summary, names, options);
  if (pods.length === 0)
    await tell(`No pods${options.allNamespaces ? "" : ` in the namespace "${options.namespace}"`}`);
  else await print(podTable(pods, options));
  return 0;
}

function choose({ pods, node }: Summary, names: readonly string[], options: TopOptions): readonly PodUsage[] {
  const visible = pods.filter(
    ({ podRef }) => options.allNamespaces || podRef.namespace === options.namespace,
  );
  if (names.length > 0)
    return names.map((name) => {
      const pod = visible.find(
        ({ podRef }) => podRef.name === name || podRef.name === `${name}-${node.nodeName}`,
      );
      if (pod === undefined) throw new CommandFailure(`No running pod ${JSON.stringify(name)}`);
      return pod;
    });
  const { sortBy } = options;
  if (sortBy === undefined) return visible;
  const amount = ({ cpu, memory }: Usage) =>
    (sortBy === "cpu" ? cpu?.usageNanoCores : memory?.workingSetBytes) ?? 0;
  return visible.toSorted((a, b) => amount(b) - amount(a));
}

function podTable(pods: readonly PodUsage[], { allNamespaces, containers, headers }: TopOptions): string {
  const head = [
    ...(allNamespaces ? ["NAMESPACE"] : []),
    containers ? "POD" : "NAME",
    ...(containers ? ["NAME"] : []),
    "CPU(cores)",
    "MEMORY(bytes)",
  ];
  const rows = pods.flatMap(({ podRef, ...pod }) => {
    const start = [...(allNamespaces ? [podRef.namespace] : []), podRef.name];
    if (!containers) return [[...start, ...usageCells(pod)]];
    return pod.containers.map((container) => [...start, container.name, ...usageCells(container)]);
  });
  return new Table().add([...(headers === false ? [] : [head]), ...rows]);
}

function nodeTable({ node }: Summary, { headers }: TopOptions): string {
  const { workingSetBytes = 0, availableBytes = 0 } = node.memory ?? {};
  const total = workingSetBytes + availableBytes;
  const share = total === 0 ? unknown : `${Math.round((workingSetBytes / total) * 100)}%`;
  const head = ["NAME", "CPU(cores)", "MEMORY(bytes)", "MEMORY%"];
  return new Table().add([...(headers === false ? [] : [head]), [node.nodeName, ...usageCells(node), share]]);
}

/** `250m`, `12.3MiB`. */
function usageCells({ cpu, memory }: Usage): Row {
  const nanoCores = cpu?.usageNanoCores;
  const bytes = memory?.workingSetBytes;
  return [
    nanoCores === undefined ? unknown : `${Math.ceil(nanoCores / 1e6)}m`,
    bytes === undefined ? unknown : formatBytes(bytes),
  ];
}
