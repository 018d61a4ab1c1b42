// Kubernetes quantities (`100m`, `1.5`, `128Mi`, `1e3`), exact. Pure.
// Invariant: the text is the one that Kubernetes itself would pass on (pkg/api/resource v1.5), quirks included.

export interface Quantity {
  /** Thousandths; what is finer is rounded away from zero. */
  readonly milli: bigint;
  /** Canonical: `1500m`, `1536Mi`; of what was canonical enough already, as written. */
  readonly text: string;
}

export type ParsedQuantity =
  | (Quantity & { readonly problem: undefined })
  /** Kubernetes' words for what is wrong. */
  | { readonly problem: string };

/** sign, whole, fraction, suffix. `m` alone is 0 of it, and `1.` is 1, as with Kubernetes. */
const pattern = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[+-]?[0-9]*)$/;
const malformed =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const notNumeric = "unable to parse numeric part of quantity";

const decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const decimalExponentMin = -9;
const decimalExponentMax = 18;
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const nanosPerUnit = 10n ** 9n;
const int64Max = 2n ** 63n - 1n;
/** Nobody means more; and what is hostile must not make numbers of a gigabyte. */
const digitsMax = 100;

type Notation = "decimal" | "exponent" | "binary";

interface Suffix {
  readonly notation: Notation;
  /** Of 10, or of 1024. */
  readonly exponent: number;
}

interface Parts {
  readonly isNegative: boolean;
  /** Without leading zeros. */
  readonly whole: string;
  readonly fraction: string;
  readonly suffix: Suffix;
}

export function parseQuantity(text: string): ParsedQuantity {
  const [, sign = "", digits = "", fraction = "", suffixText = ""] = pattern.exec(text) ?? [];
  if (text === "" || !pattern.test(text)) return { problem: malformed };
  const suffix = suffixOf(suffixText);
  if (suffix === undefined) return { problem: "unable to parse quantity's suffix" };
  if (digits.length + fraction.length > digitsMax || Math.abs(suffix.exponent) > digitsMax) {
    return { problem: notNumeric };
  }
  const whole = digits.replace(/^0+/, "") || "0";
  const parts = { isNegative: sign === "-", whole, fraction, suffix };
  const nanos = nanosOf(parts);
  const milli = signed(parts, divideUp(nanos, 10n ** 6n));
  return { problem: undefined, milli, text: isKeptAsWritten(parts) ? text : canonical(parts, nanos) };
}

function suffixOf(text: string): Suffix | undefined {
  const decimal = decimalSuffixes.indexOf(text);
  if (decimal >= 0) return { notation: "decimal", exponent: decimal * 3 + decimalExponentMin };
  const binary = binarySuffixes.indexOf(text);
  if (binary >= 0) return { notation: "binary", exponent: binary };
  return /^[eE][+-]?[0-9]+$/.test(text)
    ? { notation: "exponent", exponent: Number(text.slice(1)) }
    : undefined;
}

/** Billionths without the sign: what is finer is rounded up, so that whoever asks for something gets something. */
function nanosOf({ whole, fraction, suffix }: Parts): bigint {
  const unscaled = BigInt(whole + fraction);
  if (suffix.notation === "binary") {
    const nanos = divideUp(
      unscaled * 1024n ** BigInt(suffix.exponent) * nanosPerUnit,
      10n ** BigInt(fraction.length),
    );
    return nanos > int64Max * nanosPerUnit ? int64Max * nanosPerUnit : nanos;
  }
  const scale = suffix.exponent - fraction.length + 9;
  return scale >= 0 ? unscaled * 10n ** BigInt(scale) : divideUp(unscaled, 10n ** BigInt(-scale));
}

/** What Kubernetes takes to be canonical without looking closely: `1.`, `+1` and `1.500` are. */
function isKeptAsWritten({ whole, fraction, suffix }: Parts): boolean {
  const digits = whole + fraction;
  if (suffix.notation === "binary") {
    const fitsInt64 = 15 - whole.length - suffix.exponent * 3 - 1 >= 0;
    return fraction === "" && fitsInt64 && BigInt(whole) % 8n !== 0n;
  }
  const scale = suffix.exponent - fraction.length;
  const fitsInt64 = digits.length <= 18 && scale >= decimalExponentMin;
  return fitsInt64 && scale % 3 === 0 && !digits.endsWith("000") && !digits.startsWith("0");
}

function canonical(parts: Parts, nanos: bigint): string {
  if (nanos === 0n) return "0";
  const sign = parts.isNegative ? "-" : "";
  const isWhole = nanos % nanosPerUnit === 0n;
  if (parts.suffix.notation === "binary" && isWhole && nanos >= 1024n * nanosPerUnit) {
    const [mantissa, exponent] = withoutFactors(nanos / nanosPerUnit, 1024n, binarySuffixes.length - 1);
    return `${sign}${mantissa}${binarySuffixes[exponent]}`;
  }
  const isExponent = parts.suffix.notation === "exponent";
  const thousandsMax = isExponent ? Number.POSITIVE_INFINITY : (decimalExponentMax - decimalExponentMin) / 3;
  const [mantissa, thousands] = withoutFactors(nanos, 1000n, thousandsMax);
  const exponent = thousands * 3 + decimalExponentMin;
  if (!isExponent) return `${sign}${mantissa}${decimalSuffixes[thousands]}`;
  return `${sign}${mantissa}${exponent === 0 ? "" : `e${exponent}`}`;
}

function withoutFactors(value: bigint, factor: bigint, most: number): [bigint, number] {
  let times = 0;
  let rest = value;
  for (; times < most && rest % factor === 0n; times++) rest /= factor;
  return [rest, times];
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

function signed({ isNegative }: Parts, value: bigint): bigint {
  return isNegative ? -value : value;
}
