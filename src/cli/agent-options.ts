// The agent's settings as flags.

import { type Command, Option } from "commander";
import type { ConfigInput } from "../config/read-config.ts";
import { allSettings, type NamedSetting } from "../config/settings.ts";

export type AgentFlags = ConfigInput["flags"];

/** Of the commands that have them. */
export const settingsGroup = "Settings:";

export function addAgentOptions(command: Command): Command {
  const file = new Option("--config <file>", "configuration file (default: /etc/gantry/config.yaml)");
  for (const option of [file, ...allSettings.map(optionOf)])
    command.addOption(option.helpGroup(settingsGroup));
  return command;
}

/** Only what was given, by flag. */
export function agentFlags(command: Command): AgentFlags {
  const values: Record<string, AgentFlags[string]> = command.opts();
  return Object.fromEntries(
    command.options.map((option) => [option.long?.slice(2) ?? "", values[option.attributeName()]]),
  );
}

function optionOf({ flag, help, shape, fallback, fallbackNote }: NamedSetting): Option {
  const isFlag = shape.kind === "flag";
  const standard = fallbackNote || (typeof fallback === "function" || isFlag ? "" : String(fallback));
  const told = standard === "" ? help : `${help} (default: ${standard})`;
  const option = new Option(
    isFlag ? `--${flag} [true|false]` : `--${flag} <value>`,
    told.replaceAll("`", ""),
  );
  if (isFlag) return option.preset("true");
  if (shape.kind !== "list") return option;
  return option.argParser((value, before: readonly string[] | undefined) => [...(before ?? []), value]);
}
