// The entries of a YAML mapping.

import { isMap, isSeq, type Node, type Pair, type Scalar, type YAMLMap } from "yaml";
import type { Report } from "./report.ts";
import { offsetOf } from "./yaml-source.ts";

export interface Entry {
  readonly key: string;
  readonly value: Node | null;
  /** Where the key stands. */
  readonly offset: number;
}

/** In the order of the file, those of a merge key (`<<`) last and only where they are not written out. */
export function* entriesOf(map: YAMLMap, field: string, report: Report): Generator<Entry> {
  const seen = new Map<string, number>();
  const merged: Entry[] = [];
  for (const pair of map.items as Pair<Scalar, Node | null>[]) {
    const entry = { key: String(pair.key.value ?? ""), value: pair.value, offset: offsetOf(pair.key) };
    const first = seen.get(entry.key);
    if (first !== undefined) {
      const hint = `the first is in line ${report.source.place(first).line}`;
      const message = `duplicate key "${entry.key}"`;
      report.add({ code: "Duplicate", field, message, hint, offset: entry.offset });
      continue;
    }
    seen.set(entry.key, entry.offset);
    if (entry.key === "<<" && pair.key.type === "PLAIN") merged.push(entry);
    else yield entry;
  }
  for (const { value, offset } of merged) {
    for (const node of mergedMaps(value, report)) {
      if (node === undefined) {
        report.add({ code: "Syntax", field, message: "<< must be given a mapping", offset });
        continue;
      }
      for (const entry of entriesOf(node, field, report)) {
        if (!seen.has(entry.key)) yield entry;
        seen.set(entry.key, entry.offset);
      }
    }
  }
}

function mergedMaps(value: Node | null, report: Report): readonly (YAMLMap | undefined)[] {
  const target = value === null ? undefined : report.source.resolve(value);
  const nodes = isSeq(target)
    ? (target.items as Node[]).map((node) => report.source.resolve(node))
    : [target];
  return nodes.map((node) => (isMap(node) ? node : undefined));
}
