// kubectl's `-l` and `--field-selector`, or what is wrong with them.

import { type Labels, parseFieldSelector, parseLabelSelector } from "../pod/selector.ts";
import { UsageError } from "./failure.ts";

/** Throws UsageError. */
export function decodeLabelSelector(text: string): (labels: Labels) => boolean {
  return parseLabelSelector(text) ?? refuse("--selector", text);
}

/** Throws UsageError. */
export function decodeFieldSelector(text: string): (object: object) => boolean {
  return parseFieldSelector(text) ?? refuse("--field-selector", text);
}

function refuse(flag: string, text: string): never {
  throw new UsageError(`${flag}: ${JSON.stringify(text)} is no selector`);
}
