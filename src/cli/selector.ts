// kubectl's `-l` and `--field-selector`: which objects are meant. Pure.

import { isJsonObject, type Json } from "../pod/json.ts";
import { UsageError } from "./failure.ts";

export type Labels = Readonly<Record<string, string>>;

/** `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, joined by commas. Throws UsageError. */
export function parseLabelSelector(text: string): (labels: Labels) => boolean {
  const terms = text.split(/,(?![^(]*\))/).map((term) => parseTerm(term.trim(), text));
  return (labels) => terms.every((matches) => matches(labels));
}

function parseTerm(term: string, whole: string): (labels: Labels) => boolean {
  const set = /^(\S+)\s+(in|notin)\s+\(([^()]*)\)$/.exec(term);
  if (set) {
    const [, key = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    return (labels) => values.includes(labels[key] ?? "\0") === (operator === "in");
  }
  const equality = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/.exec(term);
  if (equality) {
    const [, key = "", operator, value = ""] = equality;
    return (labels) => (labels[key] === value) === (operator !== "!=");
  }
  const existence = /^(!?)\s*([^=!\s]+)$/.exec(term);
  if (existence === null) throw new UsageError(`--selector: ${JSON.stringify(whole)} is no selector`);
  const [, not, key = ""] = existence;
  return (labels) => Object.hasOwn(labels, key) === (not === "");
}

/** `status.phase=Running,metadata.name!=web`. Throws UsageError. */
export function parseFieldSelector(text: string): (object: object) => boolean {
  const terms = text.split(",").map((term) => {
    const [, path = "", operator, value = ""] =
      /^([A-Za-z][\w.-]*)\s*(==|=|!=)\s*(.*)$/.exec(term.trim()) ?? [];
    if (operator === undefined)
      throw new UsageError(`--field-selector: ${JSON.stringify(text)} is no selector`);
    return (object: object) => (fieldOf(object as Json, path) === value) === (operator !== "!=");
  });
  return (object) => terms.every((matches) => matches(object));
}

/** As text; empty where there is none. */
function fieldOf(object: Json, path: string): string {
  const value = path
    .split(".")
    .reduce<Json | undefined>((at, name) => (isJsonObject(at) ? at[name] : undefined), object);
  return value === undefined || value === null || typeof value === "object" ? "" : String(value);
}
