// What was accepted before this process, from its record on disk (pod/desired.ts). A record of another version of gantry may not be
// readable; that is said, never thrown.

import type { Log } from "../host/log.ts";
import { isJsonObject, type JsonObject } from "../pod/json.ts";
import { type PodUid, podKeyOf, type SpecHash } from "../pod/names.ts";
import type { Pod } from "../pod/pod.ts";
import { formatProblem } from "../pod/problem.ts";
import { decodeObjects } from "./decode.ts";
import { podOf } from "./pod-of.ts";
import { Report } from "./report.ts";

export type ParsedRecord = { readonly pod: Pod } | { readonly pod: undefined; readonly reason: string };

/** The Pod with the uid, hash and wire form that it was accepted with, whatever this version would make of its file. */
export function parseAcceptedPod(text: string): ParsedRecord {
  const record = parseJson(text);
  const source = isJsonObject(record?.source) ? record.source : {};
  const { uid, specHash, wire } = record ?? {};
  const { file, document } = source;
  if (
    typeof uid !== "string" ||
    typeof specHash !== "string" ||
    typeof file !== "string" ||
    typeof document !== "number" ||
    !isJsonObject(wire)
  ) {
    return { pod: undefined, reason: "not a record of an accepted pod" };
  }
  const report = new Report(file, JSON.stringify(wire));
  const [decoded] = Array.from(decodeObjects(report));
  const problem = report.problems[0];
  if (problem !== undefined || decoded?.kind !== "Pod") {
    return { pod: undefined, reason: problem === undefined ? "no Pod" : formatProblem(problem) };
  }
  const known = { uid: uid as PodUid, specHash: specHash as SpecHash, source: { file, document } };
  return { pod: { ...podOf(decoded.manifest, known), wire } };
}

/** The Pods of all records that can be read, by their order in their files; of two records of one Pod the later one counts. */
export function rememberedPods(records: readonly string[], log: Log): readonly Pod[] {
  const byKey = new Map<string, Pod>();
  for (const record of records) {
    const parsed = parseAcceptedPod(record);
    if (parsed.pod === undefined) log.warn("cannot read what was accepted before", { reason: parsed.reason });
    else byKey.set(podKeyOf(parsed.pod), parsed.pod);
  }
  return [...byKey.values()].sort((a, b) => a.source.document - b.source.document);
}

function parseJson(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
