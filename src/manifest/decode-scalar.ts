// Text, numbers and booleans, typed as strictly as Kubernetes' JSON: nothing is converted or guessed.

import { isMap, isScalar, type Node, type Scalar } from "yaml";
import { parseQuantity } from "../pod/quantity.ts";
import { portName } from "./format.ts";
import { nearestName } from "./nearest-name.ts";
import type { Report } from "./report.ts";
import { type Choice, type Format, givenInteger, type Integer } from "./row.ts";

/** What is read, for the Problem that it may be. */
export interface At {
  readonly field: string;
  readonly offset: number;
  readonly report: Report;
  /** No message shows the value. */
  readonly isSecret?: boolean;
}

export function decodeText(formats: readonly Format[], node: Node, at: At): string | undefined {
  // Kubernetes reads YAML 1.1, where these are booleans; a manifest that works here should work there.
  if (!isScalar(node) || typeof node.value !== "string" || oldBoolean(node) !== undefined) {
    const isLiteral = isScalar(node) && node.value !== null && at.isSecret !== true;
    return mismatch("a string", node, at, isLiteral ? `in quotes: "${shown(node)}"` : "");
  }
  const value = node.value;
  if (value.includes("\0")) invalid(value, "must not contain NUL", at);
  // Empty is Go's "not given", which is not a matter of form.
  else if (value !== "") checkFormat(value, formats, at);
  return value;
}

export function decodeChoice({ values, notYet, also }: Choice, node: Node, at: At): string | undefined {
  const value = decodeText([], node, at);
  if (value === undefined || value === "" || values.includes(value) || also?.test(value)) return value;
  const { field, report } = at;
  if (notYet.includes(value)) {
    report.add({
      code: "NotSupported",
      field,
      message: `value ${quote(value)} is not supported yet`,
    });
    return undefined;
  }
  const near = nearestName(value, values);
  report.add({
    code: "Invalid",
    field,
    message: `Unsupported value: ${quote(value)}: supported values: ${values.join(", ")}`,
    ...(near === undefined ? {} : { hint: `did you mean "${near}"?` }),
  });
  return undefined;
}

export function decodeInteger({ min, max, isZeroKept }: Integer, node: Node, at: At): number | undefined {
  // Other ways to write one (0x50, 0o120, 080, 8e1, 1_000) are read differently by YAML 1.1 and 1.2.
  const isPlain =
    isScalar(node) && /^-?(0|[1-9]\d*)$/.test(node.source ?? "") && typeof node.value === "number";
  if (!isPlain || !Number.isSafeInteger(node.value)) {
    const isQuoted = isScalar(node) && /^-?\d+$/.test(String(node.value)) && typeof node.value === "string";
    return mismatch("an integer", node, at, isQuoted ? `without quotes: ${node.value}` : "");
  }
  const value = node.value as number;
  const isInRange = value >= min && value <= max;
  if (!isInRange && (value !== 0 || isZeroKept))
    invalid(value, `must be between ${min} and ${max}, inclusive`, at);
  return value;
}

const portNumber = givenInteger(1, 65535);

export function decodePort(node: Node, at: At): number | string | undefined {
  if (isScalar(node) && typeof node.value === "number") return decodeInteger(portNumber, node, at);
  if (!isScalar(node) || typeof node.value !== "string") return mismatch("a port's number or name", node, at);
  if (!/^\d+$/.test(node.value)) return decodeText([portName], node, at);
  return mismatch("a port's number or name", node, at, `without quotes: ${node.value}`);
}

export function decodeMode(node: Node, at: At): number | undefined {
  if (!isScalar(node) || typeof node.value !== "number") return mismatch("a number", node, at, "as 0644");
  const source = node.source ?? "";
  const octal = /^0o?([0-7]+)$/.exec(source)?.[1];
  const value = octal === undefined ? node.value : Number.parseInt(octal, 8);
  const isPlain = octal !== undefined || /^(0|[1-9]\d*)$/.test(source);
  if (isPlain && value <= 0o777) return value;
  const hint = /^[0-7]{3}$/.test(source) ? `in octal it is written 0${source}` : "";
  return mismatch("a number between 0 and 0777 (octal), both inclusive", node, at, hint);
}

export function decodeQuantity(node: Node, at: At): string | undefined {
  const written = quantityText(node);
  if (written === undefined) return mismatch("a quantity", node, at, "as 500m, 1.5 or 128Mi");
  const parsed = parseQuantity(written);
  if (parsed.problem !== undefined) invalid(written, parsed.problem, at);
  else if (parsed.milli < 0n) invalid(parsed.text, "must be greater than or equal to 0", at);
  else return parsed.text;
  return undefined;
}

/** Undefined where YAML 1.1 and 1.2 see different numbers, or none is there. */
function quantityText(node: Node): string | undefined {
  if (!isScalar(node)) return undefined;
  if (typeof node.value === "string") return node.value.trim();
  const source = node.source ?? "";
  if (typeof node.value !== "number" || /^[+-]?0\d/.test(source)) return undefined;
  return /^-?\d+$/.test(source) ? source : String(node.value);
}

export function decodeFlag(node: Node, at: At): boolean | undefined {
  if (isScalar(node) && typeof node.value === "boolean") return node.value;
  return (isScalar(node) ? oldBoolean(node) : undefined) ?? mismatch("true or false", node, at);
}

/** What YAML 1.1 takes a plain word for. */
function oldBoolean(node: Scalar): boolean | undefined {
  if (node.type !== "PLAIN") return undefined;
  if (/^(y|Y|yes|Yes|YES|on|On|ON)$/.test(node.source ?? "")) return true;
  return /^(n|N|no|No|NO|off|Off|OFF)$/.test(node.source ?? "") ? false : undefined;
}

export function checkFormat(value: string, formats: readonly Format[], at: At): void {
  for (const format of formats) {
    const problem = format(value);
    if (problem === undefined) continue;
    invalid(value, problem, at);
    return;
  }
}

export function mismatch(expected: string, node: Node, at: At, hint = ""): undefined {
  const { field, offset, report, isSecret } = at;
  const value = isSecret ? notShown : isScalar(node) ? shown(node) : isMap(node) ? "{…}" : "[…]";
  report.add({
    code: "Invalid",
    field,
    message: `Invalid value: ${value}: must be ${expected}`,
    hint,
    offset,
  });
  return undefined;
}

const notShown = "(not shown)";

function invalid(value: string | number, problem: string, { field, offset, report, isSecret }: At): void {
  const text = isSecret ? notShown : typeof value === "number" ? String(value) : quote(value);
  const message = `Invalid value: ${text}: ${problem}`;
  report.add({ code: "Invalid", field, message, offset });
}

/** As written; text in quotes. */
function shown(node: Scalar): string {
  if (node.value === null) return "null";
  if (node.type === "PLAIN" && node.source !== undefined) return cut(node.source);
  return quote(String(node.value));
}

/** In quotes, and not longer than anybody reads. */
export function quote(value: string): string {
  return cut(JSON.stringify(value));
}

function cut(value: string): string {
  return value.length > 1000 ? `${value.slice(0, 1000)}…` : value;
}
