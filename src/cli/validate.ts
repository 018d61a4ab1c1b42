// `gantry validate PATH…`: what the agent would say of these files, by the same code.

import { hostname } from "node:os";
import { resolve } from "node:path";
import { systemClock } from "../host/clock.ts";
import { acceptFiles } from "../manifest/acceptance.ts";
import { type Evaluated, evaluateEntry } from "../manifest/evaluate.ts";
import { type Entry, listManifests } from "../manifest/listing.ts";
import type { Note } from "../manifest/report.ts";
import { formatProblem, type Problem } from "../pod/problem.ts";
import { onOneLine, print, tell } from "./output.ts";

export interface ValidateOptions {
  readonly nodeName?: string;
  readonly output?: "json";
}

/** What became of one file, or of a path that is none. */
interface Verdict {
  readonly path: string;
  readonly state: "valid" | "invalid" | "skipped";
  /** Why it was skipped, or could not be looked at; empty: the problems tell. */
  readonly reason: string;
  readonly objects: readonly { readonly kind: string; readonly namespace: string; readonly name: string }[];
  readonly problems: readonly Problem[];
  /** What is accepted and ignored. */
  readonly notes: readonly Note[];
}

/** Resolves with the exit code: 0, or 1 for a problem. */
export async function runValidate(paths: readonly string[], options: ValidateOptions): Promise<number> {
  const verdicts = await validate(paths, options.nodeName ?? hostname().toLowerCase());
  if (options.output === "json") await print(`${JSON.stringify(verdicts, undefined, 2)}\n`);
  else
    for (const verdict of verdicts)
      for (const line of linesOf(verdict))
        await (verdict.state === "invalid" ? tell(line) : print(`${onOneLine(line)}\n`));
  return verdicts.some(({ state }) => state === "invalid") ? 1 : 0;
}

function linesOf({ path, state, reason, objects, problems, notes }: Verdict): readonly string[] {
  if (state === "skipped") return [`${path}: skipped: ${reason}`];
  if (reason !== "") return [`${path}: ${reason}`];
  return [
    ...problems.map(formatProblem),
    ...objects.map(
      ({ kind, namespace, name }) => `${path}: ${kind.toLowerCase()} ${namespace}/${name} is valid`,
    ),
    ...notes.map(
      ({ line, column, field, reason: why }) => `${path}:${line}:${column}: ${field}: ignored: ${why}`,
    ),
  ];
}

/** In the order of the arguments, and of the names in a directory. */
async function validate(paths: readonly string[], nodeName: string): Promise<readonly Verdict[]> {
  const verdicts = new Map<string, Verdict>();
  const evaluated = new Map<string, Evaluated>();
  for (const path of paths.map((each) => resolve(each))) {
    const listing = await listManifests(path, false);
    if (listing.kind === "unreadable" || listing.kind === "missing") {
      const reason = listing.kind === "missing" ? "there is nothing" : `cannot be read: ${listing.reason}`;
      verdicts.set(path, { ...nothing, path, state: "invalid", reason });
      continue;
    }
    for (const [file, entry] of listing.entries) {
      const made = await evaluate(file, entry, nodeName);
      if (made === undefined)
        verdicts.set(file, { ...nothing, path: file, state: "invalid", reason: "changed just now" });
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

const nothing = { reason: "", objects: [], problems: [], notes: [] };

function verdictOn(path: string, made: Evaluated, conflicts: readonly Problem[] | undefined): Verdict {
  const problems = conflicts ?? made.problems;
  if (problems !== undefined) return { ...nothing, path, state: "invalid", problems };
  if (made.skipped !== undefined) return { ...nothing, path, state: "skipped", reason: made.skipped };
  const { pods = [], configMaps = [], secrets = [] } = made.made?.content ?? {};
  const objects = Object.entries({ Pod: pods, ConfigMap: configMaps, Secret: secrets }).flatMap(
    ([kind, all]) => all.map(({ namespace, name }) => ({ kind, namespace, name })),
  );
  return { ...nothing, path, state: "valid", objects, notes: made.notes ?? [] };
}
