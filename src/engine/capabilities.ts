// Capabilities as appc writes them and as the kernel numbers them. Pure.

import { allCapabilities } from "../pod/capabilities.ts";

/** `{"set": ["CAP_CHOWN", "net_admin"]}` of an isolator; undefined where there is none. */
export function capabilityNames(value: unknown): readonly string[] | undefined {
  if (typeof value !== "object" || value === null || !("set" in value) || !Array.isArray(value.set))
    return undefined;
  return value.set.map((name) => {
    const upper = String(name).toUpperCase();
    return upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  });
}

/** Bit N for capability N; names that the kernel does not know are left out. All for undefined. */
export function capabilityBits(names: readonly string[] | undefined): bigint {
  if (names === undefined) return (1n << 64n) - 1n;
  return names
    .map((name) => allCapabilities.indexOf(name))
    .filter((number) => number >= 0)
    .reduce((bits, number) => bits | (1n << BigInt(number)), 0n);
}
