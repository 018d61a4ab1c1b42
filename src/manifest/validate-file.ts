// The whole way of one file, for the directory and for `gantry validate` alike.

import type { PodUid } from "../pod/names.ts";
import { podKey } from "../pod/names.ts";
import type { Pod } from "../pod/pod.ts";
import type { Problem } from "../pod/problem.ts";
import { convertPod } from "./convert.ts";
import { decodePods } from "./decode.ts";
import { fieldPath } from "./decode-node.ts";
import { Report } from "./report.ts";
import { validatePod } from "./validate-pod.ts";
import type { Place } from "./yaml-source.ts";

export interface ValidatedFile {
  /** Empty as soon as there is one problem: a file is taken as a whole. */
  readonly pods: readonly PlacedPod[];
  readonly problems: readonly Problem[];
}

export interface PlacedPod {
  readonly pod: Pod;
  /** Where its name stands. */
  readonly place: Place;
}

export interface ValidateOptions {
  readonly nodeName: string;
  /** When a Pod of this uid was first accepted, in milliseconds since the epoch. */
  readonly seenAtMs: (uid: PodUid) => number;
}

/** Kubernetes takes no larger object either. */
export const manifestBytesMax = 1024 * 1024;

/** `path` is absolute, and goes into the uid and the problems; nothing is read. */
export function validateFile(path: string, text: string, options: ValidateOptions): ValidatedFile {
  const unfit = unfitness(text);
  if (unfit !== undefined) {
    const problem = { ...unfit, file: path, line: 0, column: 0, field: "", hint: "" };
    return { pods: [], problems: [problem] };
  }
  const report = new Report(path, text);
  const pods: PlacedPod[] = [];
  const owners = new Map<string, Place>();
  for (const decoded of decodePods(report)) {
    const { manifest, field } = decoded;
    validatePod(manifest, field, report);
    const pod = convertPod(decoded, { ...options, file: path }, report);
    const nameField = fieldPath(field, "metadata.name");
    const place = report.placeOf(nameField);
    const taken = claimsOf(pod).find((claim) => owners.has(claim));
    if (taken !== undefined) {
      const message = `${taken} is also that of the Pod in line ${owners.get(taken)?.line}`;
      report.add({ code: "Duplicate", field: nameField, message });
    }
    for (const claim of claimsOf(pod)) owners.set(claim, place);
    pods.push({ pod, place });
  }
  const { problems } = report;
  return { pods: problems.length === 0 ? pods : [], problems };
}

/** Why a text is not even worth reading. */
function unfitness(text: string): Pick<Problem, "code" | "message"> | undefined {
  if (Buffer.byteLength(text) > manifestBytesMax) {
    return { code: "TooLarge", message: `more than ${manifestBytesMax / 1024 / 1024} MiB` };
  }
  if (text.includes("\0")) return { code: "Syntax", message: "holds NUL bytes: not a text file" };
  return undefined;
}

/** What no two Pods may share. */
export function claimsOf({ namespace, name, uid }: Pod): readonly string[] {
  return [`name ${podKey(namespace, name)}`, `uid ${uid}`];
}
