// Fills in what was left out, by the rows' defaults.

import { isJsonObject, type Json, type JsonObject } from "../pod/json.ts";
import type { Shape, Struct } from "./row.ts";

/** A complete value of the shape: where something required is missing (and reported), Go's zero value stands for it. */
export function fillDefaults({ rows }: Struct, written: JsonObject): JsonObject {
  const filled: Record<string, Json> = {};
  for (const [field, row] of Object.entries(rows)) {
    if (row.support === "ignored" && written[field] !== undefined) filled[field] = written[field];
    if (row.support !== "supported") continue;
    const fallback = typeof row.fallback === "function" ? row.fallback(written) : row.fallback;
    const value = written[field] ?? fallback ?? (row.presence === "required" ? zeroOf(row.shape) : undefined);
    if (value !== undefined) filled[field] = fillValue(row.shape, value);
  }
  return filled;
}

function fillValue(shape: Shape, value: Json): Json {
  if (shape.kind === "struct" && isJsonObject(value)) return fillDefaults(shape, value);
  if (shape.kind === "list" && Array.isArray(value)) {
    return value.map((item: Json) => fillValue(shape.item, item));
  }
  return value;
}

export function zeroOf(shape: Shape): Json {
  switch (shape.kind) {
    case "text":
    case "choice":
      return "";
    case "integer":
    case "mode":
    case "port":
      return 0;
    case "quantity":
      return "0";
    case "flag":
      return false;
    case "list":
      return [];
    case "textMap":
    case "struct":
    case "anything":
      return {};
    default:
      return shape satisfies never;
  }
}
