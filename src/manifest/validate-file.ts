// The whole way of one file, for the directory and for `gantry validate` alike.

import type { ConfigMap, Secret } from "../pod/config-objects.ts";
import { type PodKey, podKeyOf } from "../pod/names.ts";
import type { Pod } from "../pod/pod.ts";
import type { Problem } from "../pod/problem.ts";
import { annotation } from "./annotations.ts";
import { type Claim, type Content, doClaimsClash, objectClaim, podClaims, topicOf } from "./content.ts";
import { type ConvertOptions, convertPod } from "./convert.ts";
import { convertConfigMap, convertSecret } from "./convert-object.ts";
import { type DecodedObject, decodeObjects } from "./decode.ts";
import { fieldPath } from "./decode-node.ts";
import { type Note, Report } from "./report.ts";
import { validatePod } from "./validate-pod.ts";
import type { Place } from "./yaml-source.ts";

export interface ValidatedFile extends PlacedContent {
  /** If there is one, there is no content: a file is taken as a whole. */
  readonly problems: readonly Problem[];
  /** What is accepted and ignored, in the order of the file. */
  readonly notes: readonly Note[];
}

export interface PlacedContent {
  readonly content: Content;
  /** What no other file may hold, and where it stands. */
  readonly claims: readonly PlacedClaim[];
  readonly waits: readonly PlacedWait[];
}

/** A Pod that waits for others, and where it says so. */
export interface PlacedWait {
  readonly pod: PodKey;
  readonly place: Place;
}

export interface PlacedClaim {
  /** 0-based; of the object in its file. */
  readonly document: number;
  readonly claim: Claim;
  readonly place: Place;
}

export type ValidateOptions = Omit<ConvertOptions, "file">;

/** Kubernetes takes no larger object either. */
export const manifestBytesMax = 1024 * 1024;

const noContent: PlacedContent = {
  content: { pods: [], configMaps: [], secrets: [] },
  claims: [],
  waits: [],
};

/** `path` is absolute, and goes into the uid and the problems; nothing is read. */
export function validateFile(path: string, text: string, options: ValidateOptions): ValidatedFile {
  const unfit = unfitness(text);
  if (unfit !== undefined) {
    const problem = { ...unfit, file: path, line: 0, column: 0, field: "", hint: "" };
    return { ...noContent, problems: [problem], notes: [] };
  }
  const report = new Report(path, text);
  const content: MadeContent = { pods: [], configMaps: [], secrets: [] };
  const claims: PlacedClaim[] = [];
  const waits: PlacedWait[] = [];
  const byTopic = new Map<string, PlacedClaim[]>();
  for (const decoded of decodeObjects(report)) {
    const { document, field, kind } = decoded;
    const own = convert(decoded, { content, report, options: { ...options, file: path } });
    const placed = own.map((claim) => ({
      document,
      claim,
      place: report.placeOf(fieldPath(field, claim.field)),
    }));
    reportDuplicate(placed, byTopic, { field, report });
    for (const each of placed) {
      const topic = topicOf(each.claim);
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), each]);
    }
    claims.push(...placed);
    const pod = kind === "Pod" ? content.pods.at(-1) : undefined;
    if (pod !== undefined && pod.life.after.length > 0) {
      const place = report.placeOf(fieldPath(field, `metadata.annotations[${annotation.after}]`));
      waits.push({ pod: podKeyOf(pod), place });
    }
  }
  const { problems, notes } = report;
  if (problems.length > 0) return { ...noContent, problems, notes };
  return { content, claims, waits, problems, notes };
}

interface MadeContent extends Content {
  readonly pods: Pod[];
  readonly configMaps: ConfigMap[];
  readonly secrets: Secret[];
}

interface Conversion {
  readonly content: MadeContent;
  readonly report: Report;
  readonly options: ConvertOptions;
}

/** Adds what was decoded to the content, and returns what it claims. */
function convert(decoded: DecodedObject, { content, report, options }: Conversion): readonly Claim[] {
  const { field } = decoded;
  switch (decoded.kind) {
    case "Pod": {
      validatePod(decoded.manifest, field, report);
      const pod = convertPod(decoded, options, report);
      content.pods.push(pod);
      return podClaims(pod);
    }
    case "ConfigMap": {
      const configMap = convertConfigMap(decoded.manifest, field, report);
      content.configMaps.push(configMap);
      return [objectClaim("ConfigMap", configMap)];
    }
    case "Secret": {
      const secret = convertSecret(decoded.manifest, field, report);
      content.secrets.push(secret);
      return [objectClaim("Secret", secret)];
    }
    default:
      return decoded satisfies never;
  }
}

/** The first thing that an object claims and that another of the same file has claimed before. */
function reportDuplicate(
  claims: readonly PlacedClaim[],
  byTopic: ReadonlyMap<string, readonly PlacedClaim[]>,
  { field, report }: { readonly field: string; readonly report: Report },
): void {
  for (const { claim } of claims) {
    const owner = byTopic.get(topicOf(claim))?.find((other) => doClaimsClash(claim, other.claim));
    if (owner === undefined) continue;
    const message = `${claim.text} is also in line ${owner.place.line}`;
    report.add({ code: "Duplicate", field: fieldPath(field, claim.field), message });
    return;
  }
}

/** Why a text is not even worth reading. */
function unfitness(text: string): Pick<Problem, "code" | "message"> | undefined {
  if (Buffer.byteLength(text) > manifestBytesMax) {
    return { code: "TooLarge", message: `more than ${manifestBytesMax / 1024 / 1024} MiB` };
  }
  if (text.includes("\0")) return { code: "Syntax", message: "holds NUL bytes: not a text file" };
  return undefined;
}
