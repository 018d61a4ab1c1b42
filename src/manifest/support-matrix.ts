// The schema as a table for people: what the README says is supported is what the decoder does.

import type { Row, Shape, Struct, Supported } from "./row.ts";
import { podSchema } from "./schema.ts";

/** Markdown. Supported fields one by one, then what is not, by object. */
export function supportMatrix(): string {
  const supported = ["| Field | Values | When left out | Notes |", "| --- | --- | --- | --- |"];
  const others = [
    "| Object | Accepted and ignored | Not supported yet | Never |",
    "| --- | --- | --- | --- |",
  ];
  describe(podSchema, "", supported, others);
  return [...supported, "", ...others, ""].join("\n");
}

function describe({ rows }: Struct, owner: string, supported: string[], others: string[]): void {
  const inner: (() => void)[] = [];
  for (const [name, row] of Object.entries(rows)) {
    if (row.support !== "supported") continue;
    const path = owner === "" ? name : `${owner}.${name}`;
    const field = row.shape.kind === "list" ? `${path}[]` : path;
    const struct = structOf(row.shape);
    supported.push(`| ${code(field)} | ${valuesOf(row.shape)} | ${absence(row)} | ${row.note} |`);
    if (struct) inner.push(() => describe(struct, field, supported, others));
  }
  const cells = (["ignored", "notYet", "never"] as const).map((support) => namesByReason(rows, support));
  if (cells.some((cell) => cell !== "")) {
    others.push(`| ${[code(owner === "" ? "Pod" : owner), ...cells].join(" | ")} |`);
  }
  for (const describeInner of inner) describeInner();
}

function namesByReason(rows: Struct["rows"], support: Exclude<Row["support"], "supported">): string {
  const byReason = new Map<string, string[]>();
  for (const [name, row] of Object.entries(rows)) {
    if (row.support === "supported" || row.support !== support) continue;
    byReason.set(row.reason, [...(byReason.get(row.reason) ?? []), code(name)]);
  }
  const lines = Array.from(byReason, ([reason, names]) =>
    reason === "" ? names.join(", ") : `${names.join(", ")}: ${reason}`,
  );
  return lines.join("<br>");
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
    case "mode":
      return "0 to 0777";
    case "quantity":
      return "quantity";
    case "flag":
      return "true, false";
    case "textMap":
      return "text by name";
    case "list":
      return `list of ${shape.item.kind === "struct" ? "objects" : valuesOf(shape.item)}`;
    case "struct":
      return "object";
    case "anything":
      return "anything";
    default:
      return shape satisfies never;
  }
}

function absence(row: Supported): string {
  if (row.presence === "required") return "**required**";
  const { fallback } = row;
  const isShown =
    row.presence === "defaulted" && typeof fallback !== "function" && typeof fallback !== "object";
  return isShown ? code(String(fallback)) : "";
}

function code(text: string): string {
  return `\`${text}\``;
}
