// `--watch`: a row, or a document, for each change that shows.

import type { AgentClient } from "./agent-client.ts";
import { headRows, isStructured, type ListingOptions, rowOf, serializeItems } from "./listing.ts";
import { print } from "./output.ts";
import { showProgress } from "./progress.ts";
import type { Resource } from "./resource.ts";
import { Table } from "./table.ts";
import { watchList } from "./watch-list.ts";

export interface WatchTableOptions<T extends object> extends ListingOptions {
  readonly isMeant: (item: T) => boolean;
  /** Is given what there was at first. */
  readonly onFirst?: (items: readonly T[]) => void;
  /** Is given all that there is, at each change. */
  readonly onChange?: (items: readonly T[]) => void;
}

/** Until interrupted. */
export async function watchTable<T extends object>(
  client: AgentClient,
  resource: Resource<T>,
  options: WatchTableOptions<T>,
): Promise<never> {
  const table = new Table();
  /** What was shown last of each. */
  const shown = new Map<string, string>();
  let isFirst = true;
  const keyOf = (item: T) => `${resource.namespaceOf(item)}/${resource.nameOf(item)}`;
  // The time that goes by is no change.
  const textOf = (item: T) =>
    JSON.stringify(isStructured(options) ? item : rowOf(resource, item, options, 0));
  const current = new Map<string, T>();
  const rows = (items: readonly T[]) =>
    table.add([
      ...(isFirst ? headRows(resource, options) : []),
      ...items.map((item) => rowOf(resource, item, options)),
    ]);
  const documents = (items: readonly T[]) =>
    items
      .map((item, index) => {
        const separator = options.output === "yaml" && !(isFirst && index === 0) ? "---\n" : "";
        return separator + serializeItems(resource, { value: item, items: [item] }, options);
      })
      .join("");
  for await (const change of watchList<T>(client, resource.watchPath ?? "/pods")) {
    const items = (change.type === "LISTED" ? change.items : [change.item]).filter(options.isMeant);
    if (change.type === "LISTED") {
      if (isFirst) options.onFirst?.(items);
      current.clear();
    }
    for (const item of items) {
      if (change.type !== "DELETED") current.set(keyOf(item), item);
      else {
        current.delete(keyOf(item));
        shown.delete(keyOf(item)); // it is shown once more
      }
    }
    const fresh = items.filter((item) => shown.get(keyOf(item)) !== textOf(item));
    for (const item of fresh) shown.set(keyOf(item), textOf(item));
    showProgress(undefined);
    await print(isStructured(options) ? documents(fresh) : rows(fresh));
    isFirst = false;
    options.onChange?.([...current.values()]);
  }
  throw new Error("a watch does not end");
}
