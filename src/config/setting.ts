// What the table of settings can say about one. Flags, variables, the file, the README and the man page are all made from it.
// Invariant: a row is data; a new setting is a new row and nothing else.

import { flag as flagShape, integer as integerShape, list, type Shape, text } from "../manifest/row.ts";

export interface Setting<V extends Value = Value> {
  /** How it is read in the file; flags and variables are held to the same. */
  readonly shape: Shape;
  /** A function is given what has been settled of the rows before it. */
  readonly fallback: V | ((settled: Settled) => V);
  /** One line, without its default. */
  readonly help: string;
  /** What the default is, where the value does not say it by itself. */
  readonly fallbackNote: string;
  /** A reload of the configuration takes effect; the others need a restart. */
  readonly isLive: boolean;
  /** As it is used: a path without a slash at its end. */
  normalize(value: V): V;
}

export type Value = string | boolean | number | readonly string[];
/** By key: `rkt.path`. */
export type Settled = ReadonlyMap<string, Value>;
/** Undefined where the text is fine, else what it must be. */
type Check = (text: string) => string | undefined;

interface Description<V extends Value> {
  readonly help: string;
  readonly fallback: V | ((settled: Settled) => V);
  readonly fallbackNote?: string;
  readonly isLive?: boolean;
}

interface TextDescription extends Description<string> {
  readonly check?: Check;
}

function setting<V extends Value>(
  shape: Shape,
  { fallbackNote = "", isLive = false, ...described }: Description<V>,
  normalize: (value: V) => V = (value) => value,
): Setting<V> {
  return { shape, fallbackNote, isLive, normalize, ...described };
}

export function textSetting({ check = () => undefined, ...described }: TextDescription): Setting<string> {
  return setting(text(check), described);
}

/** Absolute, as systemd starts rkt in another directory; empty where that is the default. */
export function pathSetting({ check = absolutePath, ...described }: TextDescription): Setting<string> {
  return setting(text(check), described, (path) => (path === "/" ? path : path.replace(/\/+$/, "")));
}

/** False unless told. */
export function flagSetting(described: Omit<Description<boolean>, "fallback">): Setting<boolean> {
  return setting({ ...flagShape, isFalseKept: true }, { ...described, fallback: false });
}

export function integerSetting({
  min,
  max,
  ...described
}: Description<number> & { readonly min: number; readonly max: number }): Setting<number> {
  return setting(integerShape(min, max), described);
}

/** A flag that may be given several times, a variable with commas, a list in the file. */
export function listSetting({
  check = () => undefined,
  ...described
}: Description<readonly string[]> & { readonly check?: Check }): Setting<readonly string[]> {
  return setting({ ...list(text(check)), isEmptyKept: true }, described);
}

export function absolutePath(path: string): string | undefined {
  return path.startsWith("/") ? undefined : "must be an absolute path";
}
