// Which things of a kind are meant, and how they are printed.

import { systemClock } from "../host/clock.ts";
import { serializeYaml } from "../manifest/yaml-text.ts";
import { CommandFailure } from "./failure.ts";
import { type Columns, none, type Resource } from "./resource.ts";
import { decodeFieldSelector, decodeLabelSelector } from "./selector.ts";
import { type Row, Table } from "./table.ts";

export interface ListingOptions {
  readonly output?: "wide" | "json" | "yaml" | "name";
  readonly allNamespaces?: boolean;
  readonly namespace?: string;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly showLabels?: boolean;
  /** `--no-headers` makes it false. */
  readonly headers?: boolean;
}

/** What neither the namespace nor a selector leaves out. Throws UsageError. */
export function chooser<T extends object>(
  resource: Resource<T>,
  options: ListingOptions,
): (item: T) => boolean {
  const { selector, fieldSelector } = options;
  const isSelected = selector === undefined ? () => true : decodeLabelSelector(selector);
  const hasFields = fieldSelector === undefined ? () => true : decodeFieldSelector(fieldSelector);
  return (item) =>
    (!hasNamespace(resource, options) || resource.namespaceOf(item) === options.namespace) &&
    isSelected(resource.labelsOf(item)) &&
    hasFields(item);
}

/** The ones of these names, in their order; all where there are none. Throws CommandFailure for one that nothing has. */
export function named<T extends object>(
  resource: Resource<T>,
  items: readonly T[],
  { names, options }: { readonly names: readonly string[]; readonly options: ListingOptions },
): readonly T[] {
  if (names.length === 0) return items;
  return names.map((name) => {
    const item =
      items.find((each) => resource.nameOf(each) === name) ??
      items.find((each) => resource.isNamed(each, name));
    if (item !== undefined) return item;
    const where = whereOf(resource, options);
    throw new CommandFailure(`No ${resource.names[1]} ${JSON.stringify(name)}${where}`);
  });
}

/** ` in the namespace "default"`; empty where that is no matter. */
export function whereOf<T extends object>(resource: Resource<T>, options: ListingOptions): string {
  return hasNamespace(resource, options) ? ` in the namespace ${JSON.stringify(options.namespace)}` : "";
}

export function hasNamespace<T extends object>(
  { isNamespaced }: Resource<T>,
  { allNamespaces }: ListingOptions,
): boolean {
  return isNamespaced && !allNamespaces;
}

export function isStructured({ output }: ListingOptions): boolean {
  return output === "json" || output === "yaml" || output === "name";
}

/** `value` is what json and yaml show: the one that was asked for, or all in their list. */
export function serializeItems<T extends object>(
  resource: Resource<T>,
  { value, items }: { readonly value: unknown; readonly items: readonly T[] },
  options: ListingOptions,
): string {
  switch (options.output) {
    case "json":
      return `${JSON.stringify(value, undefined, 4)}\n`;
    case "yaml":
      return serializeYaml(value);
    case "name":
      return items.map((item) => `${resource.names[1]}/${resource.nameOf(item)}\n`).join("");
    case "wide":
    case undefined:
      return new Table().add([
        ...headRows(resource, options),
        ...items.map((item) => rowOf(resource, item, options)),
      ]);
    default:
      return options.output satisfies never;
  }
}

export function headRows<T extends object>(resource: Resource<T>, options: ListingOptions): readonly Row[] {
  if (options.headers === false) return [];
  const { showLabels } = options;
  return [
    [
      ...(resource.isNamespaced && options.allNamespaces ? ["NAMESPACE"] : []),
      ...resource.head(columnsOf(options, systemClock.wallMs())),
      ...(showLabels ? ["LABELS"] : []),
    ],
  ];
}

export function rowOf<T extends object>(
  resource: Resource<T>,
  item: T,
  options: ListingOptions,
  nowMs = systemClock.wallMs(),
): Row {
  const labels = Object.entries(resource.labelsOf(item)).map(([key, value]) => `${key}=${value}`);
  return [
    ...(resource.isNamespaced && options.allNamespaces ? [resource.namespaceOf(item) ?? ""] : []),
    ...resource.row(item, columnsOf(options, nowMs)),
    ...(options.showLabels ? [labels.join(",") || none] : []),
  ];
}

function columnsOf({ output }: ListingOptions, nowMs: number): Columns {
  return { isWide: output === "wide", nowMs };
}
