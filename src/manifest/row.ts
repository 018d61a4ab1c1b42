// What the schema can say about a field. The decoder, the defaults, the messages, the types and the support matrix are all
// made from rows. Invariant: a row is plain data, and a new field of the Pod is a new row, not new code.

import type { Json, JsonObject } from "../pod/json.ts";

export type Row = Supported | Ignored | Refused;

/** gantry acts on it. */
export interface Supported<S extends Shape = Shape, P extends Presence = Presence> {
  readonly support: "supported";
  readonly shape: S;
  readonly presence: P;
  /** What it is when left out; a function is given the object that the field belongs to, without its defaults. */
  readonly fallback: Json | undefined | ((owner: JsonObject) => Json | undefined);
  /** For the reader of the support matrix. */
  readonly note: string;
}

/** Accepted without being acted on, and said so: on one machine nothing is lost. */
export interface Ignored<S extends Shape = Shape> {
  readonly support: "ignored";
  readonly shape: S;
  /** Why nothing is lost. */
  readonly reason: string;
}

/** A field of Kubernetes that gantry does not act on: written down, it is a Problem. */
export interface Refused {
  readonly support: "notYet" | "never";
  /** Why never; empty for "not yet". */
  readonly reason: string;
  /** An empty value asks for nothing, and is what `kubectl --dry-run -o yaml` writes. */
  readonly mayBeEmpty: boolean;
}

type Presence = "required" | "optional" | "defaulted";

export type Shape =
  | Text
  | Choice
  | Integer
  | Mode
  | Port
  | Quantity
  | Flag
  | TextMap
  | List
  | Struct
  | Anything;

/** Undefined where the text is fine, else why it is not, in Kubernetes' words. */
export type Format = (text: string) => string | undefined;

export interface Text {
  readonly kind: "text";
  readonly formats: readonly Format[];
}

export interface Choice<V extends string = string> {
  readonly kind: "choice";
  readonly values: readonly V[];
  /** Values of Kubernetes that gantry does not act on yet. */
  readonly notYet: readonly string[];
  /** What it may be besides, and is then not named among the supported values. */
  readonly also: RegExp | undefined;
}

export interface Integer {
  readonly kind: "integer";
  readonly min: number;
  readonly max: number;
  /** Left out is something else than 0. */
  readonly isZeroKept: boolean;
}

/** A file's permissions: 0644 is octal, as YAML 1.1 and so Kubernetes reads it. */
export interface Mode {
  readonly kind: "mode";
}

/** A number, or the name of one of the container's `ports`. */
export interface Port {
  readonly kind: "port";
}

/** Of something that cannot be less than 0. Decoded, it is Kubernetes' canonical text. */
export interface Quantity {
  readonly kind: "quantity";
}

export interface Flag {
  readonly kind: "flag";
  /** Left out is something else than false. */
  readonly isFalseKept: boolean;
}

/** Text by text: labels, annotations. */
export interface TextMap {
  readonly kind: "textMap";
  readonly key: Format;
  readonly value: Format;
  /** No message shows a value. */
  readonly isSecret: boolean;
}

export interface List<S extends Shape = Shape> {
  readonly kind: "list";
  readonly item: S;
  /** The field that no two items may share; empty: none. */
  readonly unique: string;
  /** Left out is something else than `[]`. */
  readonly isEmptyKept: boolean;
}

export interface Struct<R extends Rows = Rows> {
  readonly kind: "struct";
  readonly rows: R;
  /** What every other field is, of what is a map in Kubernetes; undefined: unknown. */
  readonly others: Refused | undefined;
  /** `{}` is the same as left out, and then not counted as a change. */
  readonly isEmptyNothing: boolean;
}

/** Not looked into. */
export interface Anything {
  readonly kind: "anything";
}

export type Rows = Readonly<Record<string, Row>>;

/** A row for each field of a Kubernetes type, no more and no fewer, with a shape that fits: whether the table is whole is the compiler's to say. */
export type RowsOf<T> = {
  readonly [F in keyof T]-?:
    | Refused
    | Supported<ShapeOf<NonNullable<T[F]>>>
    | Ignored<ShapeOf<NonNullable<T[F]>>>;
};

type ShapeOf<T> =
  | Anything
  | ([T] extends [string]
      ? Text | Choice | Quantity
      : [T] extends [number]
        ? Integer | Mode
        : [T] extends [boolean]
          ? Flag
          : [T] extends [readonly (infer I)[]]
            ? List<ShapeOf<I>>
            : [T] extends [string | number]
              ? Port
              : string extends keyof T
                ? TextMap | Struct
                : Struct<RowsOf<T>>);

/** What a value of this shape is once it is decoded and its defaults are filled in. */
export type ValueOf<S> =
  S extends Choice<infer V>
    ? V
    : S extends Text | Quantity
      ? string
      : S extends Integer | Mode
        ? number
        : S extends Flag
          ? boolean
          : S extends Port
            ? number | string
            : S extends TextMap
              ? Readonly<Record<string, string>>
              : S extends List<infer I>
                ? readonly ValueOf<I>[]
                : S extends Struct<infer R>
                  ? StructValue<R>
                  : Json;

type StructValue<R> = {
  readonly [F in keyof R as R[F] extends Supported<Shape, "required" | "defaulted"> ? F : never]: FieldValue<
    R[F]
  >;
} & {
  readonly [F in keyof R as R[F] extends Supported<Shape, "optional"> | Ignored ? F : never]?: FieldValue<
    R[F]
  >;
};

type FieldValue<R> = R extends Supported<infer S> | Ignored<infer S> ? ValueOf<S> : never;

export function required<S extends Shape>(shape: S, note = ""): Supported<S, "required"> {
  return { support: "supported", shape, presence: "required", fallback: undefined, note };
}

export function optional<S extends Shape>(
  shape: S,
  note = "",
  fallback?: Supported["fallback"],
): Supported<S, "optional"> {
  return { support: "supported", shape, presence: "optional", fallback, note };
}

export function defaulted<S extends Shape>(
  shape: S,
  fallback: Json | ((owner: JsonObject) => Json),
  note = "",
): Supported<S, "defaulted"> {
  return { support: "supported", shape, presence: "defaulted", fallback, note };
}

export function ignored<S extends Shape>(reason: string, shape: S): Ignored<S> {
  return { support: "ignored", shape, reason };
}

export const notYet: Refused = { support: "notYet", reason: "", mayBeEmpty: false };
export const notYetUnlessEmpty: Refused = { ...notYet, mayBeEmpty: true };

export function never(reason: string): Refused {
  return { support: "never", reason, mayBeEmpty: false };
}

export function neverUnlessEmpty(reason: string): Refused {
  return { support: "never", reason, mayBeEmpty: true };
}

export function text(...formats: readonly Format[]): Text {
  return { kind: "text", formats };
}

export function choice<const V extends string>(
  values: readonly V[],
  unsupported: readonly string[] = [],
): Choice<V> {
  return { kind: "choice", values, notYet: unsupported, also: undefined };
}

export function openChoice(values: readonly string[], also: RegExp): Choice<string> {
  return { kind: "choice", values, notYet: [], also };
}

export function integer(min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER): Integer {
  return { kind: "integer", min, max, isZeroKept: min <= 0 && max >= 0 };
}

/** 0 is as wrong as any other that it cannot be. */
export function givenInteger(min: number, max: number): Integer {
  return { kind: "integer", min, max, isZeroKept: true };
}

export const mode: Mode = { kind: "mode" };

export const port: Port = { kind: "port" };

export const quantity: Quantity = { kind: "quantity" };

export const flag: Flag = { kind: "flag", isFalseKept: false };
export const threeWayFlag: Flag = { kind: "flag", isFalseKept: true };

export function textMap(key: Format, value: Format): TextMap {
  return { kind: "textMap", key, value, isSecret: false };
}

export function secretMap(key: Format, value: Format): TextMap {
  return { kind: "textMap", key, value, isSecret: true };
}

export function list<S extends Shape>(item: S, unique = ""): List<S> {
  return { kind: "list", item, unique, isEmptyKept: false };
}

export function struct<R extends Rows>(rows: R, others?: Refused): Struct<R> {
  return { kind: "struct", rows, others, isEmptyNothing: false };
}

/** What says nothing when nothing is in it. */
export function settings<R extends Rows>(rows: R): Struct<R> {
  return { kind: "struct", rows, others: undefined, isEmptyNothing: true };
}

export const anything: Anything = { kind: "anything" };
