// The command line: every command with its flags, once. `--help`, the man page and completion are made from it.
// Invariant: what a command does is loaded when it runs, so that none pays for another.

import { Argument, Command, CommanderError, Option } from "commander";
import { type AgentFlags, addAgentOptions, agentFlags } from "./agent-options.ts";
import { addClientCommands, type Done } from "./client-commands.ts";
import { CommandFailure, OutputClosed, UsageError } from "./failure.ts";
import { print, tell } from "./output.ts";

export interface ProgramParts {
  readonly runAgent: (flags: AgentFlags) => Promise<number>;
}

/** Resolves with the exit code: 0, 1 the thing failed, 2 wrong usage. */
export async function runProgram(argv: readonly string[], parts: ProgramParts): Promise<number> {
  let exitCode = 0;
  const program = createProgram(parts, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof OutputClosed) return outputClosedCode;
    if (!(error instanceof CommandFailure)) throw error;
    await tell(`gantry: ${error.message}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** As a shell tells of a program that SIGPIPE ended. */
const outputClosedCode = 141;

export function createProgram(parts: ProgramParts, done: Done): Command {
  const program = new Command("gantry")
    .description("Keeps a machine's static pods running.")
    .helpCommand("help [command]", "print help for a command")
    .helpOption("-h, --help", "print help")
    .configureOutput({ outputError: (text, write) => write(`gantry: ${oneLine(text)}\n`) })
    .exitOverride();
  addAgentCommands(program, parts, done);
  addClientCommands(program, done);
  program
    .command("validate")
    .description("check manifest files, or directories of them, as the agent would")
    .argument("<path...>")
    .option("--node-name <name>", "suffix of pod names; the host's name")
    .addOption(new Option("-o, --output <format>", "how to print it").choices(["json"]))
    .action(async (paths: string[], options) => {
      const { runValidate } = await import("./validate.ts");
      done(await runValidate(paths, options));
    });
  program
    .command("version")
    .description("print the version")
    .action(async () => {
      const { versionText } = await import("../version.ts");
      await print(`${versionText()}\n`);
    });
  // Only named here: main.ts runs it without loading any of this.
  program
    .command("rkt")
    .description("the built-in engine, with rkt's command line")
    .addArgument(new Argument("[arguments...]"))
    .helpOption(false);
  return program;
}

function addAgentCommands(program: Command, { runAgent }: ProgramParts, done: Done): void {
  addAgentOptions(
    program
      .command("agent")
      .description("keep the pods of the manifest directory running")
      .action(async (_options, command: Command) => done(await runAgent(agentFlags(command)))),
  );
  addAgentOptions(
    program
      .command("config")
      .description("print the agent's configuration as it is in effect, and where each value comes from")
      .addOption(
        new Option("-o, --output <format>", "how to print it").choices(["yaml", "json"]).default("yaml"),
      )
      .action(async ({ output }, command: Command) => {
        const { runConfig } = await import("./show-config.ts");
        done(await runConfig(agentFlags(command), output));
      }),
  );
}

/** commander puts its suggestion on a line of its own. */
function oneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, "")
    .replace(/\n\(Did you/g, " (did you")
    .replaceAll(/\s*\n\s*/g, " ");
}
