// Values as YAML text, for people.

import { stringify } from "yaml";

/** Ends with a newline. Nothing is folded or aliased, so that it can be edited and read again by anything. */
export function serializeYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
