// What is made of one entry of the manifest directory.

import { errorChain, hasErrorCode } from "../host/error.ts";
import type { ManifestLine } from "../pod/desired.ts";
import type { Problem, ProblemCode } from "../pod/problem.ts";
import { excerptOf } from "./excerpt.ts";
import type { Entry } from "./listing.ts";
import { ManifestChangedError, readManifest } from "./manifest-text.ts";
import type { Note } from "./report.ts";
import { type PlacedContent, type ValidateOptions, validateFile } from "./validate-file.ts";

/** Exactly one of made, problems and skipped. */
export interface Evaluated {
  readonly entry: Entry;
  readonly made?: PlacedContent;
  readonly problems?: readonly Problem[];
  readonly excerpt?: readonly ManifestLine[];
  readonly skipped?: string;
  /** What is accepted and ignored. */
  readonly notes?: readonly Note[];
  /** The failure may pass without the file changing. */
  readonly isRetried?: boolean;
}

/** Undefined when the file is not any more what the look saw. */
export async function evaluateEntry(
  path: string,
  entry: Entry,
  options: ValidateOptions,
): Promise<Evaluated | undefined> {
  switch (entry.kind) {
    case "skipped":
      return { entry, skipped: entry.reason };
    case "failed":
      return { entry, problems: [wholeFileProblem(path, "Unreadable", entry.reason)] };
    case "file":
      return evaluateFile(path, entry, options);
    default:
      return entry satisfies never;
  }
}

async function evaluateFile(
  path: string,
  entry: Entry & { readonly kind: "file" },
  options: ValidateOptions,
): Promise<Evaluated | undefined> {
  let text: string;
  try {
    text = await readManifest(path, entry.identity);
  } catch (error) {
    if (error instanceof ManifestChangedError || hasErrorCode(error, "ENOENT", "ENXIO")) return undefined;
    if (!hasErrorCode(error, "ERR_ENCODING_INVALID_ENCODED_DATA")) {
      return { entry, problems: [wholeFileProblem(path, "Unreadable", errorChain(error))], isRetried: true };
    }
    return { entry, problems: [wholeFileProblem(path, "Syntax", "not UTF-8 text")] };
  }
  return { ...evaluateText(path, text, options), entry };
}

/** What would be made of this text, if it were at `path`. */
export function evaluateText(path: string, text: string, options: ValidateOptions): Evaluated {
  const entry: Entry = { kind: "file", identity: "", size: text.length };
  const { problems, notes, ...made } = validateFile(path, text, options);
  return problems.length === 0
    ? { entry, made, notes }
    : { entry, problems, excerpt: excerptOf(text, problems) };
}

function wholeFileProblem(file: string, code: ProblemCode, message: string): Problem {
  return { code, file, line: 0, column: 0, field: "", message, hint: "" };
}
