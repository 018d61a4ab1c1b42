// The schema as a table for people: what the README says is supported is what the decoder does.

import type { Shape, Struct, Supported } from "./row.ts";
import { podSchema } from "./schema.ts";

/** Markdown. Supported fields one by one, then what is refused, by object. */
export function supportMatrix(): string {
  const supported = ["| Field | Values | When left out | Notes |", "| --- | --- | --- | --- |"];
  const refused = ["| Object | Not supported yet | Never |", "| --- | --- | --- |"];
  describe(podSchema, "", supported, refused);
  return [...supported, "", ...refused, ""].join("\n");
}

function describe({ rows }: Struct, owner: string, supported: string[], refused: string[]): void {
  const notYet: string[] = [];
  const never = new Map<string, string[]>();
  const inner: (() => void)[] = [];
  for (const [name, row] of Object.entries(rows)) {
    const path = owner === "" ? name : `${owner}.${name}`;
    if (row.support === "supported") {
      const { kind } = row.shape;
      const field = kind === "list" ? `${path}[]` : path;
      const struct = structOf(row.shape);
      supported.push(`| ${code(field)} | ${valuesOf(row.shape)} | ${absence(row)} | ${row.note} |`);
      if (struct) inner.push(() => describe(struct, field, supported, refused));
    } else if (row.support === "notYet") notYet.push(code(name));
    else never.set(row.reason, [...(never.get(row.reason) ?? []), code(name)]);
  }
  const reasons = Array.from(never, ([reason, names]) => `${names.join(", ")}: ${reason}`);
  if (notYet.length + reasons.length > 0) {
    const cells = [code(owner === "" ? "Pod" : owner), notYet.join(", "), reasons.join("<br>")];
    refused.push(`| ${cells.join(" | ")} |`);
  }
  for (const describeInner of inner) describeInner();
}

function structOf(shape: Shape): Struct | undefined {
  if (shape.kind === "list") return structOf(shape.item);
  return shape.kind === "struct" ? shape : undefined;
}

function valuesOf(shape: Shape): string {
  switch (shape.kind) {
    case "text":
      return "text";
    case "choice":
      return shape.values.map(code).join(", ");
    case "integer":
      return shape.max === Number.MAX_SAFE_INTEGER ? "integer" : `${shape.min} to ${shape.max}`;
    case "flag":
      return "true, false";
    case "textMap":
      return "text by name";
    case "list":
      return `list of ${shape.item.kind === "struct" ? "objects" : valuesOf(shape.item)}`;
    case "struct":
      return "object";
    default:
      return shape satisfies never;
  }
}

function absence(row: Supported): string {
  if (row.presence === "required") return "**required**";
  return row.presence === "defaulted" && typeof row.fallback !== "function" ? code(String(row.fallback)) : "";
}

function code(text: string): string {
  return `\`${text}\``;
}
