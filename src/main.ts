// argv becomes a command, its end an exit code. The only caller of process.exit.
// Invariant: a command loads only what it needs; `gantry rkt` is started several times for each pod.

import { versionText } from "./version.ts";

const usage = `Usage: gantry COMMAND

  agent      keep the pods of the manifest directory running
  validate   check manifest files as the agent would
  rkt        the built-in engine, with rkt's command line
  version    print the version

gantry COMMAND --help tells more.
`;

async function run(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  switch (command) {
    case "rkt": {
      const { runEngine } = await import("./engine/engine.ts");
      return runEngine(rest, { self: [...self(), "rkt"] });
    }
    case "agent": {
      const { runAgentCommand } = await import("./agent.ts");
      return runAgentCommand(rest, self());
    }
    case "validate": {
      const { runValidate } = await import("./cli/validate.ts");
      return runValidate(rest);
    }
    case "version":
    case "--version":
      process.stdout.write(`${versionText()}\n`);
      return 0;
    case "help":
    case "--help":
    case "-h":
      process.stdout.write(usage);
      return 0;
    default:
      process.stderr.write(
        command === undefined ? usage : `gantry: unknown command "${command}" (gantry --help lists them)\n`,
      );
      return 2;
  }
}

/** How to start this program again: the executable, or bun with this file where it is not compiled. */
function self(): readonly [program: string, ...args: string[]] {
  return import.meta.path.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, import.meta.path];
}

process.exit(await run(process.argv.slice(2)));
