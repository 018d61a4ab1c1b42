// The schema as a table for people: what the README says is supported is what the decoder does.

import { annotation, annotationNotes } from "./annotations.ts";
import { container, initContainer } from "./container-schema.ts";
import type { Row, Shape, Struct, Supported } from "./row.ts";
import { podSchema } from "./schema.ts";

/** Markdown. Supported fields one by one, then what is not, by object; what stands in several places is told at the first. */
export function supportMatrix(): string {
  const matrix: Matrix = { supported: [], others: [], places: new Map() };
  describe(podSchema, "", matrix);
  return [
    "| Field | Values | When left out | Notes |",
    "| --- | --- | --- | --- |",
    ...matrix.supported,
    "",
    "| Object | Accepted and ignored | Not supported yet | Never |",
    "| --- | --- | --- | --- |",
    ...matrix.others,
    "",
    "| Annotation | Values | When left out | What it asks for |",
    "| --- | --- | --- | --- |",
    ...annotationRows(),
    "",
  ].join("\n");
}

function annotationRows(): readonly string[] {
  return (Object.keys(annotation) as (keyof typeof annotation)[]).map(
    (key) => `| ${[code(annotation[key]), ...annotationNotes[key]].join(" | ")} |`,
  );
}

interface Matrix {
  readonly supported: string[];
  readonly others: string[];
  /** Where each was described first. */
  readonly places: Map<Struct, string>;
}

function describe(struct: Struct, owner: string, matrix: Matrix): void {
  const rows = struct === initContainer ? ownRowsOfInitContainer() : struct.rows;
  const inner: (() => void)[] = [];
  for (const [name, row] of Object.entries(rows)) {
    if (row.support !== "supported") continue;
    const path = owner === "" ? name : `${owner}.${name}`;
    const field = row.shape.kind === "list" ? `${path}[]` : path;
    const part = structOf(row.shape);
    const place = part && matrix.places.get(part);
    const note = [row.note, place === undefined ? "" : `as ${place}`]
      .filter((text) => text !== "")
      .join("; ");
    matrix.supported.push(`| ${code(field)} | ${valuesOf(row.shape)} | ${absence(row)} | ${note} |`);
    if (part === undefined || place !== undefined) continue;
    matrix.places.set(part, code(field));
    inner.push(() => describe(part, field, matrix));
  }
  const cells = (["ignored", "notYet", "never"] as const).map((support) => namesByReason(rows, support));
  if (cells.some((cell) => cell !== "")) {
    matrix.others.push(`| ${[code(owner === "" ? "Pod" : owner), ...cells].join(" | ")} |`);
  }
  for (const describeInner of inner) describeInner();
}

function ownRowsOfInitContainer(): Struct["rows"] {
  const known: readonly Row[] = Object.values(container.rows);
  return Object.fromEntries(Object.entries(initContainer.rows).filter(([, row]) => !known.includes(row)));
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
    case "port":
      return "1 to 65535, name";
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
