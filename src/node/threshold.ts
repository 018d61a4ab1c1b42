// When a machine is short of something: the kubelet's eviction thresholds, as `--eviction-hard` has them. Pure.

import { parseQuantity } from "../pod/quantity.ts";

/** In the order in which the kubelet sees to them. */
export const signalNames = [
  "memory.available",
  "nodefs.available",
  "nodefs.inodesFree",
  "imagefs.available",
  "imagefs.inodesFree",
  "pid.available",
] as const;
export type SignalName = (typeof signalNames)[number];

export interface Signal {
  readonly available: number;
  readonly capacity: number;
}
export type Signals = ReadonlyMap<SignalName, Signal>;

export interface Threshold {
  readonly signal: SignalName;
  /** Met with less than this. */
  readonly limit: { readonly amount: number } | { readonly share: number };
}

export interface MetThreshold {
  readonly signal: SignalName;
  /** In bytes, or the number of inodes or processes. */
  readonly quantity: number;
  readonly available: number;
}

export const pressures = ["MemoryPressure", "DiskPressure", "PIDPressure"] as const;
export type Pressure = (typeof pressures)[number];

/** What is short, and how the kubelet calls it where it tells of it. */
export const signalTraits: Readonly<
  Record<SignalName, { readonly pressure: Pressure; readonly resource: Resource }>
> = {
  "memory.available": { pressure: "MemoryPressure", resource: "memory" },
  "nodefs.available": { pressure: "DiskPressure", resource: "ephemeral-storage" },
  "nodefs.inodesFree": { pressure: "DiskPressure", resource: "inodes" },
  "imagefs.available": { pressure: "DiskPressure", resource: "ephemeral-storage" },
  "imagefs.inodesFree": { pressure: "DiskPressure", resource: "inodes" },
  "pid.available": { pressure: "PIDPressure", resource: "pids" },
};
export type Resource = "memory" | "ephemeral-storage" | "inodes" | "pids";

/** `memory.available<100Mi`, `nodefs.available<10%`. `0%` and `100%` are never met, as with the kubelet: undefined. */
export function parseThreshold(
  text: string,
): { readonly threshold: Threshold | undefined } | { readonly problem: string } {
  const [signal = "", value, ...rest] = text.split("<");
  if (value === undefined || rest.length > 0) return { problem: "must be like memory.available<100Mi" };
  if (!isSignalName(signal)) return { problem: `must begin with one of ${signalNames.join(", ")}` };
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(value)?.[1];
  if (percent !== undefined) {
    const share = Number(percent) / 100;
    if (share > 1) return { problem: "must be at most 100%" };
    return { threshold: share === 0 || share === 1 ? undefined : { signal, limit: { share } } };
  }
  const quantity = parseQuantity(value);
  if (quantity.problem !== undefined || quantity.milli <= 0n)
    return { problem: "must end in a quantity above 0 (100Mi) or a share (10%)" };
  return { threshold: { signal, limit: { amount: Number(quantity.milli) / 1000 } } };
}

/** In the order in which they are seen to. What could not be observed is not met. */
export function metThresholds(thresholds: readonly Threshold[], signals: Signals): readonly MetThreshold[] {
  return thresholds
    .flatMap(({ signal, limit }) => {
      const observed = signals.get(signal);
      if (observed === undefined) return [];
      const { available, capacity } = observed;
      const quantity = "amount" in limit ? limit.amount : Math.floor(limit.share * capacity);
      return available < quantity ? [{ signal, quantity, available }] : [];
    })
    .sort((a, b) => signalNames.indexOf(a.signal) - signalNames.indexOf(b.signal));
}

/** As the flag has them: several in one text, with commas. */
export function parseThresholds(texts: readonly string[]): {
  readonly thresholds: readonly Threshold[];
  readonly problem: string | undefined;
} {
  const parsed = texts
    .flatMap((text) => text.split(","))
    .filter((text) => text !== "")
    .map(parseThreshold);
  return {
    thresholds: parsed.flatMap((one) => ("threshold" in one && one.threshold) || []),
    problem: parsed.flatMap((one) => ("problem" in one ? one.problem : []))[0],
  };
}

/** The kubelet's. */
export const defaultThresholds: readonly string[] = [
  "memory.available<100Mi",
  "nodefs.available<10%",
  "nodefs.inodesFree<5%",
  "imagefs.available<15%",
  "imagefs.inodesFree<5%",
];

function isSignalName(text: string): text is SignalName {
  return signalNames.some((name) => name === text);
}
