// Where two versions of an object differ. Pure.

import { isJsonObject, type Json } from "./json.ts";

/** Kubernetes' names of the innermost fields: `spec.containers[0].image`. In the order of the fields, what is new last. */
export function changedFields(
  before: Json | undefined,
  after: Json | undefined,
  field: string,
): readonly string[] {
  if (isJsonObject(before) && isJsonObject(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => changedFields(before[name], after[name], `${field}.${name}`));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const [old, new_] = [before as readonly Json[], after as readonly Json[]];
    return Array.from({ length: Math.max(old.length, new_.length) }, (_, index) => index).flatMap((index) =>
      changedFields(old[index], new_[index], `${field}[${index}]`),
    );
  }
  return before === after ? [] : [field];
}
