// `gantry get`: lists things, in kubectl's forms.

import type { Pod } from "kubernetes-types/core/v1";
import { systemClock } from "../host/clock.ts";
import { serializeYaml } from "../manifest/yaml-text.ts";
import { AgentClient, type ServerOptions } from "./agent-client.ts";
import { eventResource } from "./event-resource.ts";
import { CommandFailure, UsageError } from "./failure.ts";
import { manifestResource } from "./manifest-resource.ts";
import { print, tell } from "./output.ts";
import { podResource } from "./pod-resource.ts";
import { pullingOf, showProgress } from "./progress.ts";
import type { Columns, Resource } from "./resource.ts";
import { decodeFieldSelector, decodeLabelSelector } from "./selector.ts";
import { type Row, Table } from "./table.ts";
import { watchPods } from "./watch-pods.ts";

export interface GetOptions extends ServerOptions {
  readonly output?: "wide" | "json" | "yaml" | "name";
  readonly watch?: boolean;
  readonly allNamespaces?: boolean;
  readonly namespace: string;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly showLabels?: boolean;
  /** `--no-headers` makes it false. */
  readonly headers: boolean;
}

const resources = [podResource, eventResource, manifestResource] as readonly Resource[];

/** `what` is a type and names, or things as TYPE/NAME. Resolves with the exit code. */
export async function runGet(what: readonly string[], options: GetOptions): Promise<number> {
  const { resource, names } = parseWhat(what);
  const client = await AgentClient.create(options);
  if (options.watch) {
    if (resource !== podResource)
      throw new UsageError("--watch: only for pods (gantry events --watch for events)");
    return watch(client, names, options);
  }
  const { whole, items } = await resource.list(client);
  const chosen = choose(resource, items, names, options);
  if (names.length === 0 && chosen.length === 0 && !isStructured(options))
    return tellNone(resource, items, options);
  await print(serialize(resource, whole, { chosen, isOne: names.length === 1 }, options));
  return 0;
}

interface What {
  readonly resource: Resource;
  readonly names: readonly string[];
}

function parseWhat(what: readonly string[]): What {
  const [first = "", ...rest] = what;
  if (!first.includes("/")) return { resource: resourceNamed(first), names: rest };
  const split = what.map((each) => {
    const [, type = "", name = ""] = /^([^/]+)\/(.+)$/.exec(each) ?? [];
    return { type, name };
  });
  const { type } = split[0] ?? { type: "" };
  if (split.some((each) => each.type !== type))
    throw new UsageError("get: name things of one type, as in: gantry get pod/web pod/db");
  return { resource: resourceNamed(type), names: split.map(({ name }) => name) };
}

function resourceNamed(name: string): Resource {
  const resource = resources.find(({ names }) => names.includes(name));
  if (resource) return resource;
  const known = resources.map(({ names }) => names[0]).join(", ");
  throw new UsageError(`get: there is no type ${JSON.stringify(name)}; there are ${known}`);
}

/** Throws CommandFailure for a name that nothing has. */
function choose<T extends object>(
  resource: Resource<T>,
  items: readonly T[],
  names: readonly string[],
  options: GetOptions,
): readonly T[] {
  const { allNamespaces, namespace, selector, fieldSelector } = options;
  const isSelected = selector === undefined ? () => true : decodeLabelSelector(selector);
  const hasFields = fieldSelector === undefined ? () => true : decodeFieldSelector(fieldSelector);
  const visible = items.filter(
    (item) =>
      (!resource.isNamespaced || allNamespaces || resource.namespaceOf(item) === namespace) &&
      isSelected(resource.labelsOf(item)) &&
      hasFields(item),
  );
  if (names.length === 0) return visible;
  return names.map((name) => {
    const item =
      visible.find((each) => resource.nameOf(each) === name) ??
      visible.find((each) => resource.isNamed(each, name));
    if (item) return item;
    const where =
      resource.isNamespaced && !allNamespaces ? ` in the namespace ${JSON.stringify(namespace)}` : "";
    throw new CommandFailure(`No ${resource.names[1]} ${JSON.stringify(name)}${where}`);
  });
}

async function tellNone(resource: Resource, items: readonly object[], options: GetOptions): Promise<number> {
  const { isNamespaced, names } = resource;
  const isOneNamespace = isNamespaced && !options.allNamespaces;
  const where = isOneNamespace ? ` in the namespace ${JSON.stringify(options.namespace)}` : "";
  const others = isOneNamespace && items.length > 0 ? " (-A shows those of all namespaces)" : "";
  await tell(`No ${names[0]}${where}.${others}`);
  return 0;
}

function isStructured({ output }: GetOptions): boolean {
  return output === "json" || output === "yaml" || output === "name";
}

interface Chosen {
  readonly chosen: readonly object[];
  /** It was asked for by its name, and is shown without a list around it. */
  readonly isOne: boolean;
}

function serialize(
  resource: Resource,
  whole: object,
  { chosen, isOne }: Chosen,
  options: GetOptions,
): string {
  const value = isOne ? chosen[0] : resource.withItems(whole, chosen);
  switch (options.output) {
    case "json":
      return `${JSON.stringify(value, undefined, 4)}\n`;
    case "yaml":
      return serializeYaml(value);
    case "name":
      return chosen.map((item) => `${resource.names[1]}/${resource.nameOf(item)}\n`).join("");
    default:
      return new Table().add([
        ...headRows(resource, options),
        ...chosen.map((item) => rowOf(resource, item, options)),
      ]);
  }
}

function columnsOf({ output }: GetOptions): Columns {
  return { isWide: output === "wide", nowMs: systemClock.wallMs() };
}

function headRows(resource: Resource, options: GetOptions): readonly Row[] {
  if (!options.headers) return [];
  const { allNamespaces, showLabels } = options;
  return [
    [
      ...(resource.isNamespaced && allNamespaces ? ["NAMESPACE"] : []),
      ...resource.head(columnsOf(options)),
      ...(showLabels ? ["LABELS"] : []),
    ],
  ];
}

function rowOf<T extends object>(resource: Resource<T>, item: T, options: GetOptions): Row {
  const labels = Object.entries(resource.labelsOf(item)).map(([key, value]) => `${key}=${value}`);
  return [
    ...(resource.isNamespaced && options.allNamespaces ? [resource.namespaceOf(item) ?? ""] : []),
    ...resource.row(item, columnsOf(options)),
    ...(options.showLabels ? [labels.join(",") || "<none>"] : []),
  ];
}

/** A row, or a document, for each change that shows; until interrupted. */
async function watch(client: AgentClient, names: readonly string[], options: GetOptions): Promise<number> {
  const table = new Table();
  const shown = new Map<string, string>();
  let isFirst = true;
  const show = async (pods: readonly Pod[]) => {
    const fresh = pods.filter((pod) => {
      const { uid } = pod.metadata ?? {};
      const text = isStructured(options) ? JSON.stringify(pod) : JSON.stringify(stableRow(pod, options));
      const isNew = uid !== undefined && shown.get(uid) !== text;
      if (uid !== undefined) shown.set(uid, text);
      return isNew;
    });
    if (isStructured(options)) {
      for (const pod of fresh)
        await print(serialize(podResource as Resource, {}, { chosen: [pod], isOne: true }, options));
      return;
    }
    const head = isFirst ? headRows(podResource as Resource, options) : [];
    isFirst = false;
    await print(table.add([...head, ...fresh.map((pod) => rowOf(podResource, pod, options))]));
  };
  const isMeant = (pod: Pod) => {
    const one = choose(podResource, [pod], [], options);
    return one.length > 0 && (names.length === 0 || names.some((name) => podResource.isNamed(pod, name)));
  };
  for await (const change of watchPods(client)) {
    const pods = (change.type === "LISTED" ? change.pods : [change.pod]).filter(isMeant);
    if (change.type === "DELETED") shown.delete(change.pod.metadata?.uid ?? ""); // shown once more
    if (change.type === "LISTED" && isFirst) choose(podResource, change.pods, names, options);
    showProgress(pods.map(pullingOf).find((text) => text !== undefined));
    await show(pods);
  }
  return 0;
}

/** Without what only time changes. */
function stableRow(pod: Pod, options: GetOptions): Row {
  return podResource.row(pod, { ...columnsOf(options), nowMs: 0 });
}
