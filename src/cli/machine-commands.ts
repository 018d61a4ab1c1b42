// The commands that need no agent: they run one, install it, and look at its files.

import { type Command, Option } from "commander";
import type { Config } from "../config/settings.ts";
import { type AgentFlags, addAgentOptions, agentFlags } from "./agent-options.ts";
import type { Done } from "./client-commands.ts";

export interface MachineCommandParts {
  readonly runAgent: (flags: AgentFlags) => Promise<number>;
  /** How this program was started: one word where it is the executable. */
  readonly self: readonly string[];
  readonly manPage: () => Promise<string>;
  /** Where the engine keeps pods and images; undefined where a real rkt is used. */
  readonly engineDirectory: (config: Config) => Promise<string | undefined>;
}

export function addMachineCommands(program: Command, parts: MachineCommandParts, done: Done): void {
  addAgentOptions(
    program
      .command("agent")
      .description("keep the pods of the manifest directory running")
      .action(async (_options, command: Command) => done(await parts.runAgent(agentFlags(command)))),
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
        await runConfig(agentFlags(command), output);
      }),
  );
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
  addInstall(program, parts, done);
}

function addInstall(program: Command, parts: MachineCommandParts, done: Done): void {
  program
    .command("install")
    .description("make the agent a service of this machine's: unit, group, directories; may be repeated")
    .option("--now", "start it too, now and after each boot")
    .option("--dry-run", "only print what would be done")
    .action(async (options) => {
      const { runInstall } = await import("./install.ts");
      done(await runInstall(options, { self: parts.self, manPage: await parts.manPage() }));
    });
  program
    .command("uninstall")
    .description("undo that; the pods run on unless told otherwise")
    .option("--stop-pods", "end the pods")
    .option("--purge", "remove /etc/gantry, the manifests there and all state too")
    .option("--dry-run", "only print what would be done")
    .action(async (options) => {
      const { runUninstall } = await import("./uninstall.ts");
      done(await runUninstall(options, parts));
    });
}
