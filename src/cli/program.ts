// The command line: every command with its flags, once. `--help`, the man page and completion are made from it.
// Invariant: what a command does is loaded when it runs, so that none pays for another.

import { Argument, Command, CommanderError } from "commander";
import { ConfigError } from "../config/config-error.ts";
import { addClientCommands, type Done, serverOptionsGroup } from "./client-commands.ts";
import { CommandFailure, OutputClosed, UsageError } from "./failure.ts";
import { addMachineCommands, type MachineCommandParts } from "./machine-commands.ts";
import { print, tell } from "./output.ts";

export type ProgramParts = Omit<MachineCommandParts, "manPage">;

/** As a shell tells of a program that SIGPIPE ended. */
const outputClosedCode = 141;

/** Resolves with the exit code: 0, 1 the thing failed, 2 wrong usage. */
export async function runProgram(argv: readonly string[], parts: ProgramParts): Promise<number> {
  let exitCode = 0;
  const program = createProgram(parts, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(commandFirst(program, argv), { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof OutputClosed) return outputClosedCode;
    if (error instanceof ConfigError) {
      for (const problem of error.problems) await tell(`gantry: ${problem}`);
      return 2;
    }
    if (!(error instanceof CommandFailure)) throw error;
    await tell(`gantry: ${error.message}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

function createProgram(parts: ProgramParts, done: Done): Command {
  const program = new Command("gantry")
    .description("Keeps a machine's static pods running.")
    .usage("COMMAND")
    .helpCommand("help [command]", "print help for a command")
    .helpOption("-h, --help", "print help")
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({ outputError: (text, write) => write(`gantry: ${oneLine(text)}\n`) })
    .exitOverride();
  const manPage = async () => {
    const [{ manPage: make }, { version }] = await Promise.all([
      import("./man-page.ts"),
      import("../version.ts"),
    ]);
    return make(program, version);
  };
  addClientCommands(program, done);
  addMachineCommands(program, { ...parts, manPage }, done);
  program
    .command("completion")
    .description("print a script that completes what is typed")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
    .action(async (shell: "bash" | "zsh" | "fish") => {
      const { completionScript } = await import("./completion.ts");
      await print(completionScript(shell));
    });
  program
    .command("__complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: string[]) => {
      const { complete } = await import("./complete.ts");
      await print((await complete(program, words)).map((line) => `${line}\n`).join(""));
    });
  program
    .command("man", { hidden: true })
    .description("print the man page")
    .action(async () => print(await manPage()));
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
    .argument("[arguments...]")
    .helpOption(false);
  return program;
}

/** kubectl's flags for all commands may come before the command too. */
function commandFirst(program: Command, argv: readonly string[]): readonly string[] {
  const ofAll = program.commands
    .flatMap(({ options }) => options)
    .filter(
      ({ long, helpGroupHeading }) => long === "--namespace" || helpGroupHeading === serverOptionsGroup,
    );
  let at = 0;
  for (let word = argv[0]; word !== undefined; word = argv[at]) {
    const flag = word.replace(/=.*/s, "");
    if (!ofAll.some(({ short, long }) => flag === short || flag === long)) break;
    at += flag === word ? 2 : 1;
  }
  const command = argv[at];
  return command === undefined ? argv : [command, ...argv.slice(0, at), ...argv.slice(at + 1)];
}

/** commander puts its suggestion on a line of its own. */
function oneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, "")
    .replace(/\n\(Did you/g, " (did you")
    .replaceAll(/\s*\n\s*/g, " ");
}
