// Dotted versions: which rkt is there, and is it new enough. Pure.

import { RktOutputError } from "./rkt-output-error.ts";

/** The oldest rkt whose command line is the one that we speak (kubelet v1.5 asks for the same). */
const minimumRktVersion = "1.13.0";

export interface RktVersion {
  /** `1.30.0`, `1.30.0+git…`. */
  readonly rkt: string;
  readonly appc: string;
}

/** The output of `rkt version`. */
export function parseRktVersion(text: string): RktVersion {
  const rkt = /^rkt Version: (\S+)$/m.exec(text)?.[1];
  const appc = /^appc Version: (\S+)$/m.exec(text)?.[1];
  if (rkt === undefined || appc === undefined) throw new RktOutputError("no version", text);
  return { rkt, appc };
}

/** Why this version cannot be used; undefined if it can. */
export function versionProblem(version: string, minimum: string = minimumRktVersion): string | undefined {
  const order = compareVersions(version, minimum);
  if (order === undefined) return `${version} is not a version like 1.30.0`;
  return order < 0 ? `rkt ${version} is too old, at least ${minimum} is needed` : undefined;
}

/** -1, 0 or 1 by semver's rules: a pre-release comes before its release, build metadata does not count. Undefined if either is no version. */
export function compareVersions(left: string, right: string): -1 | 0 | 1 | undefined {
  const [a, b] = [parse(left), parse(right)];
  if (a === undefined || b === undefined) return undefined;
  for (const [index, part] of a.core.entries()) {
    const order = sign(part - (b.core[index] ?? 0));
    if (order !== 0) return order;
  }
  if (a.preRelease === "" || b.preRelease === "")
    return sign(Number(a.preRelease === "") - Number(b.preRelease === ""));
  return comparePreReleases(a.preRelease.split("."), b.preRelease.split("."));
}

function parse(text: string): { core: readonly number[]; preRelease: string } | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]*)?$/.exec(text);
  return match === null ? undefined : { core: match.slice(1, 4).map(Number), preRelease: match[4] ?? "" };
}

function comparePreReleases(left: readonly string[], right: readonly string[]): -1 | 0 | 1 {
  for (const [index, a] of left.entries()) {
    const b = right[index];
    if (b === undefined) return 1;
    if (a === b) continue;
    const [numberA, numberB] = [toNumber(a), toNumber(b)];
    if (numberA !== undefined && numberB !== undefined) return sign(numberA - numberB);
    if (numberA !== undefined) return -1;
    if (numberB !== undefined) return 1;
    return a < b ? -1 : 1;
  }
  return left.length < right.length ? -1 : 0;
}

function toNumber(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function sign(difference: number): -1 | 0 | 1 {
  return difference < 0 ? -1 : difference > 0 ? 1 : 0;
}
