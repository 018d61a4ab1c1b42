// What is not looked into, because gantry ignores it, as it was written.

import { isMap, isScalar, isSeq, type Node } from "yaml";
import type { Json } from "../pod/json.ts";
import type { At } from "./decode-scalar.ts";
import { entriesOf } from "./yaml-entries.ts";

/** As deep as in Kubernetes' own objects, and far less than the stack; aliases can nest deeper than text does. */
const depthMax = 64;

export function decodeAnything(written: Node | null, at: At, depth = 0): Json | undefined {
  const node = written === null ? undefined : at.report.source.resolve(written);
  if (depth > depthMax) {
    at.report.add({ code: "Syntax", field: at.field, message: "nested too deeply", offset: at.offset });
    return undefined;
  }
  if (isMap(node)) {
    const entries = Array.from(entriesOf(node, at.field, at.report), ({ key, value }) => [
      key,
      decodeAnything(value, at, depth + 1) ?? null,
    ]);
    return Object.fromEntries(entries);
  }
  if (isSeq(node)) return (node.items as Node[]).map((item) => decodeAnything(item, at, depth + 1) ?? null);
  if (!isScalar(node)) return null;
  const { value } = node;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
}
