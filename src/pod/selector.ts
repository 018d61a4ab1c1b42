// Kubernetes' selectors: which objects are meant. Pure.

import { isJsonObject, type Json } from "./json.ts";

export type Labels = Readonly<Record<string, string>>;

/** `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, joined by commas. Undefined: it is no selector. */
export function parseLabelSelector(text: string): ((labels: Labels) => boolean) | undefined {
  return all(text.split(/,(?![^(]*\))/).map((term) => parseTerm(term.trim())));
}

function parseTerm(term: string): ((labels: Labels) => boolean) | undefined {
  const set = /^([\w./-]+)\s+(in|notin)\s+\(([\w.,\s-]*)\)$/.exec(term);
  if (set) {
    const [, key = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    return (labels) => values.includes(labels[key] ?? "\0") === (operator === "in");
  }
  const equality = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/.exec(term);
  if (equality) {
    const [, key = "", operator, value = ""] = equality;
    return (labels) => (labels[key] === value) === (operator !== "!=");
  }
  const existence = /^(!?)\s*([\w./-]+)$/.exec(term);
  if (existence === null) return undefined;
  const [, not, key = ""] = existence;
  return (labels) => Object.hasOwn(labels, key) === (not === "");
}

/** `status.phase=Running,metadata.name!=web`. Undefined: it is no selector. */
export function parseFieldSelector(text: string): ((object: object) => boolean) | undefined {
  return all(
    text.split(",").map((term) => {
      const [, path = "", operator, value = ""] =
        /^([A-Za-z][\w.-]*)\s*(==|=|!=)\s*(.*)$/.exec(term.trim()) ?? [];
      if (operator === undefined) return undefined;
      return (object: object) => (fieldOf(object as Json, path) === value) === (operator !== "!=");
    }),
  );
}

function all<T>(
  terms: readonly (((object: T) => boolean) | undefined)[],
): ((object: T) => boolean) | undefined {
  const known = terms.filter((term) => term !== undefined);
  return known.length < terms.length ? undefined : (object) => known.every((matches) => matches(object));
}

/** As text; empty where there is none. */
function fieldOf(object: Json, path: string): string {
  const value = path
    .split(".")
    .reduce<Json | undefined>((at, name) => (isJsonObject(at) ? at[name] : undefined), object);
  return value === undefined || value === null || typeof value === "object" ? "" : String(value);
}
