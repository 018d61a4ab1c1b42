// `gantry validate PATH…`: what the agent would say of these files, by the same code.

import { hostname } from "node:os";
import { resolve } from "node:path";
import { systemClock } from "../host/clock.ts";
import { acceptFiles } from "../manifest/acceptance.ts";
import { type Evaluated, evaluateEntry } from "../manifest/evaluate.ts";
import { type Entry, listManifests } from "../manifest/listing.ts";
import { formatProblem, type Problem } from "../pod/problem.ts";

export interface ValidateOptions {
  readonly nodeName?: string;
  readonly output?: "json";
}

/** Resolves with the exit code: 0, or 1 for a problem. */
export async function runValidate(paths: readonly string[], options: ValidateOptions): Promise<number> {
  const verdicts = await validate(paths, options.nodeName ?? hostname().toLowerCase());
  for (const { lines, isGood } of verdicts) {
    const stream = isGood ? process.stdout : process.stderr;
    for (const line of lines) stream.write(`${line}\n`);
  }
  return verdicts.every(({ isGood }) => isGood) ? 0 : 1;
}

interface Verdict {
  readonly lines: readonly string[];
  readonly isGood: boolean;
}

/** In the order of the arguments, and of the names in a directory. */
async function validate(paths: readonly string[], nodeName: string): Promise<readonly Verdict[]> {
  const verdicts = new Map<string, Verdict>();
  const evaluated = new Map<string, Evaluated>();
  for (const path of paths.map((each) => resolve(each))) {
    const listing = await listManifests(path, false);
    if (listing.kind === "unreadable" || listing.kind === "missing") {
      const reason = listing.kind === "missing" ? "there is nothing" : `cannot be read: ${listing.reason}`;
      verdicts.set(path, { lines: [`${path}: ${reason}`], isGood: false });
      continue;
    }
    for (const [file, entry] of listing.entries) {
      const made = await evaluate(file, entry, nodeName);
      if (made === undefined) verdicts.set(file, { lines: [`${file}: changed just now`], isGood: false });
      else evaluated.set(file, made);
    }
  }
  const versions = new Map([...evaluated].map(([file, { made }]) => [file, made]));
  const { conflicts } = acceptFiles(versions, new Map());
  for (const [file, made] of evaluated) verdicts.set(file, verdictOn(file, made, conflicts.get(file)));
  return [...verdicts.values()];
}

function evaluate(file: string, entry: Entry, nodeName: string): Promise<Evaluated | undefined> {
  return evaluateEntry(file, entry, { nodeName, seenAtMs: () => systemClock.wallMs() });
}

function verdictOn(file: string, made: Evaluated, conflicts: readonly Problem[] | undefined): Verdict {
  const problems = conflicts ?? made.problems;
  if (problems !== undefined) return { lines: problems.map(formatProblem), isGood: false };
  if (made.skipped !== undefined) return { lines: [`${file}: skipped: ${made.skipped}`], isGood: true };
  return { lines: [...namesIn(file, made), ...notesOn(file, made)], isGood: true };
}

function namesIn(file: string, { made }: Evaluated): readonly string[] {
  const { pods = [], configMaps = [], secrets = [] } = made?.content ?? {};
  const all = [
    ...pods.map((pod) => ["pod", pod] as const),
    ...configMaps.map((configMap) => ["configmap", configMap] as const),
    ...secrets.map((secret) => ["secret", secret] as const),
  ];
  return all.map(([kind, { namespace, name }]) => `${file}: ${kind} ${namespace}/${name} is valid`);
}

function notesOn(file: string, { notes = [] }: Evaluated): readonly string[] {
  return notes.map(
    ({ line, column, field, reason }) => `${file}:${line}:${column}: ${field}: ignored: ${reason}`,
  );
}
