// argv becomes a command, its end an exit code. The only caller of process.exit.
// Invariant: a command loads only what it needs; `gantry rkt` is started several times for each pod.

async function run(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  if (command === "rkt") {
    const { runEngine } = await import("./engine/engine.ts");
    return runEngine(rest, { self: [...self(), "rkt"] });
  }
  if (command === "machine-act") {
    const { runMachineAct } = await import("./runtime/machine-acts.ts");
    return runMachineAct();
  }
  if (command === "port-connect") {
    const { runPortConnect } = await import("./runtime/pod-ports.ts");
    return runPortConnect(Number(rest[0]));
  }
  const { runProgram } = await import("./cli/program.ts");
  return runProgram(command === "--version" ? ["version"] : argv, {
    self: self(),
    async runAgent(flags) {
      const { runAgentCommand } = await import("./agent-command.ts");
      return runAgentCommand(flags, self());
    },
    async engineDirectory(config) {
      const { engineDirectory } = await import("./agent-rkt.ts");
      return engineDirectory(config, self());
    },
  });
}

/** How to start this program again: the executable, or bun with this file where it is not compiled. */
function self(): readonly [program: string, ...args: string[]] {
  return import.meta.path.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, import.meta.path];
}

// What containers are to read has the mode that it is made with, whatever a shell is set to.
process.umask(0o022);
process.exit(await run(process.argv.slice(2)));
