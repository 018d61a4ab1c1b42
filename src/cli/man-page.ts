// The man page, made from the commands themselves (man(7)). Pure.

import type { Argument, Command, Option } from "commander";
import { settingsGroup } from "./agent-options.ts";
import { serverOptionsGroup } from "./client-commands.ts";

export function manPage(program: Command, version: string): string {
  const commands = program.commands.filter((command) => command.name() !== "help" && !isHidden(command));
  return `${[
    `.TH GANTRY 1 "" "gantry ${version}" "User Commands"`,
    ".SH NAME",
    `gantry \\- ${lowerFirst(program.description()).replace(/\.$/, "")}`,
    ".SH SYNOPSIS",
    ".B gantry",
    ".I COMMAND",
    "[\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]",
    ".SH DESCRIPTION",
    "Put a Kubernetes Pod manifest into",
    ".IR /etc/gantry/manifests ,",
    "and the agent keeps what it describes running, as units of systemd.",
    "The other commands ask the agent over its socket, with the words and flags of",
    ".BR kubectl (1).",
    "A pod is named with or without the name of the node at its end.",
    ".SH COMMANDS",
    ...commands.flatMap(commandLines),
    ".SH OPTIONS",
    "All commands that ask the agent have these:",
    ...optionsOf(program, serverOptionsGroup),
    ".SH SETTINGS",
    ...wrapped(
      "The flags of agent and config. Each is a variable too (GANTRY_STATE_DIR), and a key of the configuration file (stateDir).",
    ),
    ...optionsOf(program, settingsGroup),
    ".SH EXIT STATUS",
    ...definition("0", "All went well."),
    ...definition("1", "It could not be done."),
    ...definition("2", "It was asked in a wrong way."),
    ".PP",
    "With",
    ".B exec",
    "the exit status is that of the command, and with",
    ".B rkt",
    "it is rkt's (254 for its own errors).",
    ".SH ENVIRONMENT",
    ...definition("GANTRY_SERVER", "Where the agent is; the flag --server wins."),
    ...definition(
      "GANTRY_CONFIG, GANTRY_STATE_DIR, ...",
      "For the agent: each of its flags, in capitals and with GANTRY_ before it.",
    ),
    ...definition("NO_COLOR", "Nothing is printed in colours."),
    ".SH FILES",
    ...definition("/etc/gantry/config.yaml, /etc/gantry/config.d/*.yaml", "The agent's configuration."),
    ...definition("/etc/gantry/manifests", "The manifests."),
    ...definition("/run/gantry/gantry.sock", "The agent's socket, for root and the group gantry."),
    ...definition("/var/lib/gantry", "What must outlive a reboot."),
    ".SH SEE ALSO",
    ".BR systemctl (1),",
    ".BR journalctl (1)",
  ].join("\n")}\n`;
}

function isHidden(command: Command): boolean {
  return !command.parent?.createHelp().visibleCommands(command.parent).includes(command);
}

function commandLines(command: Command): readonly string[] {
  const names = command.registeredArguments.map(argumentText);
  const own = command.options.filter(({ helpGroupHeading }) => !helpGroupHeading);
  return [
    ".TP",
    `.B gantry ${roff(command.name())} ${names.join(" ")}`.trimEnd(),
    ...sentence(command.description()),
    ...(own.length > 0 ? [".RS", ...own.flatMap(optionLines), ".RE"] : []),
  ];
}

/** Each once, of whatever commands have it. */
function optionsOf(program: Command, group: string): readonly string[] {
  const all = program.commands.flatMap(({ options }) => options);
  const ofGroup = all.filter(({ helpGroupHeading }) => helpGroupHeading === group);
  return [...new Map(ofGroup.map((option) => [option.flags, option])).values()].flatMap(optionLines);
}

function argumentText(argument: Argument): string {
  const name = `\\fI${roff(argument.name().toUpperCase())}\\fR${argument.variadic ? "..." : ""}`;
  return argument.required ? name : `[${name}]`;
}

function optionLines(option: Option): readonly string[] {
  if (option.hidden) return [];
  const { description, defaultValue, envVar, argChoices } = option;
  const notes = [
    ...(argChoices ? [`one of ${argChoices.join(", ")}`] : []),
    ...(defaultValue === undefined || typeof defaultValue === "boolean" ? [] : [`default: ${defaultValue}`]),
    ...(envVar === undefined ? [] : [`or the variable ${envVar}`]),
  ];
  const text = notes.length === 0 ? description : `${description} (${notes.join("; ")})`;
  return [".TP", `.B ${roff(option.flags)}`, ...sentence(text)];
}

function definition(term: string, text: string): readonly string[] {
  return [".TP", `.B ${roff(term)}`, ...wrapped(text)];
}

function sentence(text: string): readonly string[] {
  const whole = text.replace(/^[a-z](?=[a-z]* )/, (letter) => letter.toUpperCase());
  return wrapped(/[.)]$/.test(whole) ? whole : `${whole}.`);
}

const lineLength = 78;

function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < lineLength)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map(roff);
}

/** A line that begins with a dot or an apostrophe would be a request, and a hyphen could become another character. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(?=[.'])/, "\\&");
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
