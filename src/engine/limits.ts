// An app's resource isolators as systemd's settings. Pure.

import { isJsonObject } from "../pod/json.ts";
import type { AppcApp } from "../rkt/appc.ts";
import type { UnitEntry } from "../systemd/unit-file.ts";
import { EngineError } from "./engine-error.ts";
import { isolator } from "./isolator.ts";

/** What start-app.ts needs within the app's limit before it becomes the app. */
const memoryMin = 8 * 2 ** 20;

/** Since when systemd knows only the unified hierarchy of control groups, and complains about settings of the old ones. */
const unifiedOnlySince = 258;

/** Before that it takes of `CPUWeight=` and `CPUShares=` the one that is its hierarchy's own. */
export function limitEntries(app: AppcApp, systemdVersion: number): readonly UnitEntry[] {
  const memory = amount(app, "resource/memory", "limit");
  const cpuLimit = amount(app, "resource/cpu", "limit");
  const cpuRequest = amount(app, "resource/cpu", "request");
  const entries: UnitEntry[] = [];
  if (memory !== undefined && memory < memoryMin)
    throw new EngineError(
      `a memory limit of ${memory} bytes is not enough to start in, at least ${memoryMin} are`,
    );
  // A limit that could be evaded by swapping would be none: a node's pods do not swap, says the kubelet's default.
  if (memory !== undefined) entries.push(["MemoryMax", String(Math.floor(memory))], ["MemorySwapMax", "0"]);
  // The least that systemd takes is a hundredth of a percent.
  if (cpuLimit !== undefined) entries.push(["CPUQuota", `${Math.max(0.01, round(cpuLimit * 100))}%`]);
  if (cpuRequest !== undefined) {
    const shares = cpuShares(cpuRequest);
    entries.push(["CPUWeight", String(cpuWeight(shares))]);
    if (systemdVersion < unifiedOnlySince) entries.push(["CPUShares", String(shares)]);
  }
  return entries;
}

function amount(app: AppcApp, name: string, which: "limit" | "request"): number | undefined {
  const value = isolator(app, name);
  const text = isJsonObject(value) ? value[which] : undefined;
  if (text === undefined || text === null) return undefined;
  const parsed = parseQuantity(String(text));
  return parsed !== undefined && parsed > 0 ? parsed : undefined;
}

/** As the kubelet (v1.30 pkg/kubelet/cm MilliCPUToShares): a core is 1024. */
function cpuShares(cores: number): number {
  return Math.min(262_144, Math.max(2, Math.floor(cores * 1024)));
}

/** 2 to 262144 shares as a weight of 1 to 10000: KEP 2254. */
function cpuWeight(shares: number): number {
  return Math.floor(1 + ((shares - 2) * 9999) / 262_142);
}

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Kubernetes' quantities, as appc takes them: `50m`, `64Mi`, `1e3`. Undefined for what is none. */
export function parseQuantity(text: string): number | undefined {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d+|[A-Za-z]{0,2})$/.exec(text);
  if (!match) return undefined;
  const [, digits = "", suffix = ""] = match;
  if (/^[eE][+-]?\d+$/.test(suffix)) return Number(digits + suffix);
  const factor = suffixes[suffix];
  return factor === undefined ? undefined : Number(digits) * factor;
}

function round(percent: number): number {
  return Math.round(percent * 100) / 100;
}
