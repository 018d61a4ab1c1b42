// `gantry plan`: what the agent would do if files were put into its manifest directory. Nothing is done.

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { errorChain } from "../host/error.ts";
import { serializeYaml } from "../manifest/yaml-text.ts";
import type { PlanAnswer, PlannedPod } from "../pod/plan-question.ts";
import { AgentClient, type ServerOptions } from "./agent-client.ts";
import { CommandFailure, UsageError } from "./failure.ts";
import { type Color, onOneLine, paint, print } from "./output.ts";

export interface PlanOptions extends ServerOptions {
  /** `unit,appc`. */
  readonly show?: string;
  readonly delete?: boolean;
  readonly output?: "json" | "yaml";
}

/** Resolves with the exit code: 1 where a manifest has problems, or a pod could not be started. */
export async function runPlan(paths: readonly string[], options: PlanOptions): Promise<number> {
  const shown = shownParts(options.show);
  if (options.delete && paths.length === 0)
    throw new UsageError("plan: --delete: name the files, as in: gantry plan --delete web.yaml");
  const client = await AgentClient.create(options);
  const files = await Promise.all(
    paths.map(async (path) => ({ name: basename(path), text: await textOf(path, options) })),
  );
  const plan = await client.json<PlanAnswer>("/plan", {
    method: "POST",
    body: JSON.stringify({ files, isDetailed: true }),
  });
  if (options.output === "json") await print(`${JSON.stringify(plan, undefined, 2)}\n`);
  else if (options.output === "yaml") await print(serializeYaml(plan));
  else await print(planText(plan, shown));
  const isBad = plan.files.some(
    ({ problems, pods }) => problems.length > 0 || pods.some(({ problem }) => problem),
  );
  return isBad ? 1 : 0;
}

const parts = ["unit", "appc"] as const;
type Part = (typeof parts)[number];

function shownParts(show = ""): readonly Part[] {
  return show.split(",").flatMap((word) => {
    if (word === "") return [];
    const part = parts.find((each) => each === word);
    if (part === undefined)
      throw new UsageError(`plan: --show must be of ${parts.join(" and ")}, not ${JSON.stringify(word)}`);
    return [part];
  });
}

/** Undefined: as if it were not there. */
async function textOf(path: string, options: PlanOptions): Promise<string | undefined> {
  if (options.delete) return undefined;
  return readFile(path, "utf8").catch((error: unknown) => {
    throw new CommandFailure(`Cannot read ${path}: ${errorChain(error)}`);
  });
}

const words: Readonly<
  Record<PlannedPod["change"], { readonly sign: string; readonly verb: string; readonly color: Color }>
> = {
  start: { sign: "+", verb: "would be started", color: "green" },
  replace: { sign: "~", verb: "would be replaced", color: "yellow" },
  update: { sign: "~", verb: "would be brought up to date in place", color: "green" },
  keep: { sign: "=", verb: "is kept", color: "dim" },
  wait: { sign: "…", verb: "waits", color: "yellow" },
  remove: { sign: "-", verb: "would be removed", color: "red" },
};

function planText({ unreadable, files }: PlanAnswer, shown: readonly Part[]): string {
  const head = unreadable === undefined ? "" : paint(`${unreadable}\n`, "red");
  const blocks = files.map(({ path, problems, pods }) => {
    const lines = [
      ...problems.map((problem) => paint(`  ! ${onOneLine(problem)}`, "red")),
      ...(problems.length > 0 ? ["  what was accepted of it before stays"] : []),
      ...pods.flatMap((pod) => podLines(pod, shown)),
      ...(problems.length + pods.length === 0 ? ["  no pods"] : []),
    ];
    return `${[path, ...lines].join("\n")}\n`;
  });
  return head + (blocks.length === 0 ? "No manifests.\n" : blocks.join(""));
}

function podLines(pod: PlannedPod, shown: readonly Part[]): readonly string[] {
  const { sign, verb, color } = words[pod.change];
  const indented = (text: string) => text.trimEnd().replaceAll(/^(?=.)/gm, "        ");
  return [
    `${paint(`  ${sign} pod ${pod.namespace}/${pod.name} ${verb}`, color)}: ${onOneLine(pod.why)}`,
    ...(pod.problem === undefined ? [] : [paint(`    ! it could not be: ${onOneLine(pod.problem)}`, "red")]),
    ...pod.unknown.map((line) => `    ? ${onOneLine(line)}`),
    ...pod.stages.flatMap(({ stage, unit, appc }) => [
      ...(shown.includes("unit") ? [`    unit of ${stage}:`, indented(unit)] : []),
      ...(shown.includes("appc")
        ? [`    appc manifest of ${stage}:`, indented(JSON.stringify(appc, undefined, 2))]
        : []),
    ]),
  ];
}
