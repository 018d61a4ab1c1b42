// Reads the JSON that rkt prints. Invariant: no number loses a digit, and a value of the wrong type is an error, not a guess.

import { isJsonObject } from "../pod/json.ts";
import type { AppcImageManifest, AppcPodManifest } from "./appc.ts";
import { RktOutputError } from "./rkt-output-error.ts";

/** Whole numbers of 2^53 and more, as the times of apps are (nanoseconds), become bigint. */
export function parseRktJson(text: string): unknown {
  try {
    return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
      typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source
        ? BigInt(context.source)
        : value,
    );
  } catch {
    throw new RktOutputError("not JSON", text);
  }
}

/** The output of `cat-manifest`. rkt has checked it by appc's schema. */
export function parsePodManifest(text: string): AppcPodManifest {
  return parseManifest(text, "PodManifest") as unknown as AppcPodManifest;
}

/** The output of `image cat-manifest`. */
export function parseImageManifest(text: string): AppcImageManifest {
  return parseManifest(text, "ImageManifest") as unknown as AppcImageManifest;
}

function parseManifest(text: string, kind: string): object {
  const manifest = object(parseRktJson(text), kind);
  if (manifest.acKind !== kind) throw new RktOutputError(`not of kind ${kind}`, text);
  return manifest;
}

/** The objects of a list; rkt prints `null` for an empty one, and leaves it out where it is a field. */
export function objectList(value: unknown, what: string): readonly Readonly<Record<string, unknown>>[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new RktOutputError(`${what} is no list`, String(value));
  return value.map((item) => object(item, what));
}

export function object(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (!isJsonObject(value)) throw new RktOutputError(`${what} is no object`, String(value));
  return value;
}

export function string(value: unknown, what: string): string {
  if (typeof value !== "string") throw new RktOutputError(`${what} is no string`, String(value));
  return value;
}

/** Milliseconds since the epoch of a time in nanoseconds; undefined where there is none. */
export function nanosecondsToMs(value: unknown): number | undefined {
  if (typeof value === "bigint") return Number(value / 1_000_000n);
  return typeof value === "number" ? Math.floor(value / 1e6) : undefined;
}
