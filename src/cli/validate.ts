// `gantry validate FILE…`: what the agent would say of these files, by the same code.

import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { errorChain } from "../host/error.ts";
import { validateFile } from "../manifest/validate-file.ts";
import { formatProblem } from "../pod/problem.ts";

const usage = `Usage: gantry validate [--node-name=NAME] FILE...

Checks manifest files as the agent would. Exit code 1 where one has a problem.
`;

/** Resolves with the exit code: 0, 1 for a problem, 2 for wrong usage. */
export async function runValidate(argv: readonly string[]): Promise<number> {
  let parsed: ReturnType<typeof parseValidateArgs>;
  try {
    parsed = parseValidateArgs(argv);
  } catch (error) {
    process.stderr.write(`gantry validate: ${errorChain(error)}\n`);
    return 2;
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (positionals.length === 0) {
    process.stderr.write("gantry validate: no FILE given (gantry validate --help tells more)\n");
    return 2;
  }
  const nodeName = values["node-name"] ?? hostname().toLowerCase();
  const results = await Promise.all(positionals.map((file) => validate(file, nodeName)));
  return results.every((isValid) => isValid) ? 0 : 1;
}

function parseValidateArgs(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { "node-name": { type: "string" }, help: { type: "boolean", short: "h" } },
  });
}

async function validate(file: string, nodeName: string): Promise<boolean> {
  const path = resolve(file);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    process.stderr.write(`${path}: cannot be read: ${errorChain(error)}\n`);
    return false;
  }
  const { pods, problems } = validateFile(path, text, { nodeName, seenAtMs: Date.now });
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  for (const { pod } of pods) process.stdout.write(`${path}: pod ${pod.namespace}/${pod.name} is valid\n`);
  return problems.length === 0;
}
