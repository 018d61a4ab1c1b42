// `gantry get`: lists things, in kubectl's forms.

import type { Pod } from "kubernetes-types/core/v1";
import { AgentClient, type ServerOptions } from "./agent-client.ts";
import { eventResource } from "./event-resource.ts";
import { UsageError } from "./failure.ts";
import { imageResource } from "./image-resource.ts";
import {
  chooser,
  hasNamespace,
  isStructured,
  type ListingOptions,
  named,
  serializeItems,
  whereOf,
} from "./listing.ts";
import { manifestResource } from "./manifest-resource.ts";
import { nodeResource } from "./node-resource.ts";
import { print, tell } from "./output.ts";
import { podResource } from "./pod-resource.ts";
import { pullingOf, showProgress } from "./progress.ts";
import type { Resource } from "./resource.ts";
import { watchTable } from "./watch-table.ts";

export interface GetOptions extends ServerOptions, ListingOptions {
  readonly watch?: boolean;
}

const resources = [
  podResource,
  imageResource,
  eventResource,
  manifestResource,
  nodeResource,
] as readonly Resource[];

/** `what` is a type and names, or things as TYPE/NAME. Resolves with the exit code. */
export async function runGet(what: readonly string[], options: GetOptions): Promise<number> {
  const { resource, names } = parseWhat(what);
  const client = await AgentClient.create(options);
  const isVisible = chooser(resource, options);
  if (options.watch) {
    if (resource.watchPath === undefined)
      throw new UsageError(`get: --watch is only for ${podResource.names[0]} and ${eventResource.names[0]}`);
    const isNamed = (item: object) =>
      names.length === 0 || names.some((name) => resource.isNamed(item, name));
    return watchTable(client, resource, {
      ...options,
      isMeant: (item) => isVisible(item) && isNamed(item),
      onFirst: (items) => named(resource, items, { names, options }),
      ...(resource === podResource && { onChange: (pods) => showPulling(pods as readonly Pod[]) }),
    });
  }
  const { whole, items } = await resource.list(client);
  if (!isStructured(options)) for (const note of resource.notes?.(whole) ?? []) await tell(note);
  const chosen = named(resource, items.filter(isVisible), { names, options });
  if (chosen.length === 0 && !isStructured(options)) {
    const others =
      hasNamespace(resource, options) && items.length > 0 ? " (-A shows those of all namespaces)" : "";
    await tell(`No ${resource.names[0]}${whereOf(resource, options)}${others}`);
    return 0;
  }
  const value = names.length === 1 ? chosen[0] : resource.withItems(whole, chosen);
  await print(serializeItems(resource, { value, items: chosen }, options));
  return 0;
}

function showPulling(pods: readonly Pod[]): void {
  showProgress(pods.map(pullingOf).find((text) => text !== undefined));
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
