// Reads a YAML node by its row: the one place where rows are interpreted for what a user writes.
// Invariant: types are as strict as Kubernetes' JSON; nothing is converted, guessed or dropped without a Problem.

import { isCollection, isMap, isScalar, isSeq, type Node, Scalar, type YAMLMap } from "yaml";
import { isJsonObject, type Json } from "../pod/json.ts";
import { decodeAnything } from "./decode-anything.ts";
import {
  type At,
  checkFormat,
  decodeChoice,
  decodeFlag,
  decodeInteger,
  decodeMode,
  decodePort,
  decodeQuantity,
  decodeText,
  mismatch,
  quote,
} from "./decode-scalar.ts";
import { zeroOf } from "./defaults.ts";
import { nearestName } from "./nearest-name.ts";
import type { Report } from "./report.ts";
import type { List, Refused, Shape, Struct, TextMap } from "./row.ts";
import { entriesOf } from "./yaml-entries.ts";
import { offsetOf } from "./yaml-source.ts";

/** The value as written, without defaults; undefined where it has a wrong type, which is then reported. */
export function decodeNode(shape: Shape, written: Node, field: string, report: Report): Json | undefined {
  const isSecret = shape.kind === "textMap" && shape.isSecret;
  const at: At = { field, offset: offsetOf(written), report, isSecret };
  report.remember(field, at.offset);
  const node = report.source.resolve(written);
  if (node === undefined) return undefined;
  switch (shape.kind) {
    case "text":
      return decodeText(shape.formats, node, at);
    case "choice":
      return decodeChoice(shape, node, at);
    case "integer":
      return decodeInteger(shape, node, at);
    case "mode":
      return decodeMode(node, at);
    case "port":
      return decodePort(node, at);
    case "quantity":
      return decodeQuantity(node, at);
    case "flag":
      return decodeFlag(node, at);
    case "anything":
      return decodeAnything(node, at);
    case "textMap":
      return isMap(node) ? decodeTextMap(shape, node, at) : mismatch("a mapping", node, at);
    case "list":
      return isSeq(node) ? decodeList(shape, node.items as Node[], at) : mismatch("a list", node, at);
    case "struct":
      return isMap(node) ? decodeStruct(shape, node, at) : mismatch("a mapping", node, at);
    default:
      return shape satisfies never;
  }
}

/** Kubernetes' way of naming a place. */
export function fieldPath(owner: string, name: string): string {
  return owner === "" ? name : `${owner}.${name}`;
}

function decodeTextMap({ key, value, isSecret }: TextMap, node: YAMLMap, { field, report }: At): Json {
  const decoded: [string, string][] = [];
  for (const entry of entriesOf(node, field, report)) {
    checkFormat(entry.key, [key], { field, offset: entry.offset, report });
    const written = entry.value ?? new Scalar(null);
    const inner = report.source.resolve(written);
    const offset = entry.value === null ? entry.offset : offsetOf(entry.value);
    report.remember(`${field}[${entry.key}]`, offset);
    const text = inner && decodeText([value], inner, { field, offset, report, isSecret });
    if (text !== undefined) decoded.push([entry.key, text]);
  }
  return Object.fromEntries(decoded); // which takes `__proto__` for a key like others
}

function decodeList({ item, unique }: List, nodes: readonly Node[], { field, report }: At): Json {
  const seen = new Set<Json>();
  return nodes.map((node, index) => {
    const itemField = `${field}[${index}]`;
    const value = decodeNode(item, node, itemField, report) ?? zeroOf(item);
    const name = isJsonObject(value) ? value[unique] : undefined;
    if (name !== undefined && seen.has(name)) {
      const message = `Duplicate value: ${JSON.stringify(name)}`;
      report.add({ code: "Duplicate", field: fieldPath(itemField, unique), message });
    } else if (name !== undefined) seen.add(name);
    return value;
  });
}

function decodeStruct({ rows, others }: Struct, node: YAMLMap, { field, report }: At): Json {
  const decoded: Record<string, Json> = {};
  const wrong = new Set<string>();
  for (const { key, value, offset } of entriesOf(node, field, report)) {
    const at: At = { field: others ? `${field}[${key}]` : fieldPath(field, key), offset, report };
    const row = Object.hasOwn(rows, key) ? rows[key] : others;
    if (row === undefined || (row === others && nearestName(key, Object.keys(rows)) !== undefined)) {
      reportUnknownField(key, Object.keys(rows), at);
    } else if (value === null || isNull(value, report)) report.remember(at.field, offset);
    else if (!("shape" in row)) refuse(row, value, at);
    else {
      if (row.support === "ignored") report.note({ field: at.field, offset, reason: row.reason });
      const inner = decodeNode(row.shape, value, at.field, report);
      if (inner === undefined) wrong.add(key);
      else if (!isZero(row.shape, inner)) decoded[key] = inner;
    }
  }
  for (const [key, row] of Object.entries(rows)) {
    if (row.support !== "supported" || row.presence !== "required") continue;
    if (key in decoded || wrong.has(key)) continue;
    report.add({ code: "Required", field: fieldPath(field, key), message: "Required value" });
  }
  return decoded;
}

export function reportUnknownField(
  key: string,
  known: readonly string[],
  { field, offset, report }: At,
): void {
  const near = nearestName(key, known);
  const hint = near === undefined ? "" : `did you mean "${near}"?`;
  report.add({ code: "UnknownField", field, message: `unknown field ${quote(key)}`, hint, offset });
}

function refuse({ support, reason, mayBeEmpty }: Refused, value: Node, { field, offset, report }: At): void {
  if (mayBeEmpty && isEmpty(value, report)) return;
  const message = support === "notYet" ? "not supported yet" : `not supported: ${reason}`;
  report.add({ code: "NotSupported", field, message, offset });
}

/** What Go cannot tell from "left out", and Kubernetes therefore does not. */
function isZero(shape: Shape, value: Json): boolean {
  switch (shape.kind) {
    case "text":
    case "choice":
    case "port":
      return value === "";
    case "integer":
      return value === 0 && !shape.isZeroKept;
    case "flag":
      return value === false && !shape.isFalseKept;
    case "list":
      return (value as Json[]).length === 0 && !shape.isEmptyKept;
    case "textMap":
      return Object.keys(value as object).length === 0;
    case "struct":
      return shape.isEmptyNothing && Object.keys(value as object).length === 0;
    case "mode":
    case "quantity":
    case "anything":
      return false;
    default:
      return shape satisfies never;
  }
}

function isNull(node: Node, report: Report): boolean {
  const target = report.source.resolve(node);
  return isScalar(target) && target.value === null;
}

function isEmpty(node: Node, report: Report): boolean {
  const target = report.source.resolve(node);
  if (isScalar(target)) return target.value === "" || target.value === false;
  return isCollection(target) && target.items.length === 0;
}
