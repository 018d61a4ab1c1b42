// `gantry events`: what happened, with kubectl's flags.

import type { Event } from "kubernetes-types/core/v1";
import { AgentClient, type ServerOptions } from "./agent-client.ts";
import { eventResource } from "./event-resource.ts";
import { UsageError } from "./failure.ts";
import { podTypes } from "./find-pods.ts";
import { chooser, isStructured, type ListingOptions, serializeItems, whereOf } from "./listing.ts";
import { print, tell } from "./output.ts";
import { watchTable } from "./watch-table.ts";

export interface EventsOptions extends ServerOptions, ListingOptions {
  /** `pod/NAME`, `node/NAME`. */
  readonly for?: string;
  readonly types?: string;
  readonly watch?: boolean;
}

/** Resolves with the exit code. */
export async function runEvents(options: EventsOptions): Promise<number> {
  const isVisible = chooser(eventResource, options);
  const isFor = options.for === undefined ? () => true : aboutOf(options.for);
  const types = options.types?.split(",").map((type) => type.trim().toLowerCase());
  const wrong = types?.find((type) => type !== "normal" && type !== "warning");
  if (wrong !== undefined)
    throw new UsageError(`events: --types must be Normal, Warning or both, not ${JSON.stringify(wrong)}`);
  const isMeant = (event: Event) =>
    isVisible(event) && isFor(event) && (types?.includes((event.type ?? "").toLowerCase()) ?? true);
  const client = await AgentClient.create(options);
  if (options.watch) return watchTable(client, eventResource, { ...options, isMeant });
  const { whole, items } = await eventResource.list(client);
  const chosen = items.filter(isMeant);
  if (chosen.length === 0 && !isStructured(options)) {
    await tell(`No events${whereOf(eventResource, options)}`);
    return 0;
  }
  const value = eventResource.withItems(whole, chosen);
  await print(serializeItems(eventResource, { value, items: chosen }, options));
  return 0;
}

/** Of a pod also without the node's name, which its name ends in. */
function aboutOf(written: string): (event: Event) => boolean {
  const [, type = "", name = ""] = /^([^/]+)\/(.+)$/.exec(written) ?? [];
  const kind = podTypes.includes(type) ? "Pod" : type === "node" ? "Node" : undefined;
  if (kind === undefined)
    throw new UsageError(`events: --for must be like pod/web or node/edge1, not ${JSON.stringify(written)}`);
  return ({ involvedObject, source, reportingInstance }) =>
    involvedObject.kind === kind &&
    (involvedObject.name === name || involvedObject.name === `${name}-${source?.host ?? reportingInstance}`);
}
