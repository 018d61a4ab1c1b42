// `gantry rkt`: rkt's command line for machines that have no rkt. argv becomes a command, its error an exit code.
// Invariant: a command loads only what it needs, since each call is a process of its own and there are several for each pod.

import { writeSync } from "node:fs";
import { errorChain, hasErrorCode } from "../host/error.ts";
import type { Command, Context } from "./command.ts";
import { globalFlags, type ParsedFlags, parseFlags, UsageError } from "./command-line.ts";
import { dataDirectory } from "./data-dir.ts";
import { EngineError, fileError } from "./engine-error.ts";

export interface EngineOptions {
  /** argv that starts this engine again: `["/usr/bin/gantry", "rkt"]`. */
  readonly self: readonly string[];
}

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  "cat-manifest": async () => (await import("./cat-manifest.ts")).catManifest,
  enter: async () => (await import("./enter.ts")).enter,
  fetch: async () => (await import("./fetch.ts")).fetch,
  gc: async () => (await import("./gc.ts")).gc,
  "image cat-manifest": async () => (await import("./image-cat-manifest.ts")).imageCatManifest,
  "image gc": async () => (await import("./image-rm.ts")).imageGc,
  "image list": async () => (await import("./image-list.ts")).imageList,
  "image rm": async () => (await import("./image-rm.ts")).imageRm,
  list: async () => (await import("./list.ts")).list,
  "network-check": async () => (await import("./network/commands.ts")).networkCheck,
  "network-release": async () => (await import("./network/commands.ts")).networkRelease,
  prepare: async () => (await import("./prepare.ts")).prepare,
  rm: async () => (await import("./rm.ts")).rm,
  "run-prepared": async () => (await import("./run-prepared.ts")).runPrepared,
  "start-app": async () => (await import("./start-app.ts")).startApp,
  status: async () => (await import("./status.ts")).status,
  stop: async () => (await import("./stop.ts")).stop,
  version: async () => (await import("./engine-version.ts")).engineVersion,
};

/** Runs `rkt ARGV…` and returns its exit code, where it does not become another program (run-prepared, enter). */
export async function runEngine(argv: readonly string[], options: EngineOptions): Promise<number> {
  let command: Command | undefined;
  try {
    const found = findCommand(argv);
    if (found === undefined) return usageOfAll(argv);
    command = await found.load();
    const flags = { ...globalFlags, ...command.flags };
    const line = parseFlags(found.rest, flags, command.passesOnAfter);
    if (line.flags.isSet("help")) {
      print(usageText(command));
      return 0;
    }
    if (command.needsRoot === true && process.geteuid?.() !== 0)
      throw new EngineError("cannot run as unprivileged user");
    return await command.run(createContext(command, line, argv, options));
  } catch (error) {
    return tellError(error, command);
  }
}

/** The global options may stand before the command and between its words. */
function findCommand(argv: readonly string[]): { load: () => Promise<Command>; rest: string[] } | undefined {
  const words: string[] = [];
  const before: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (word.startsWith("-")) {
      before.push(word);
      const flag = globalFlags[word.replace(/^--?/, "")];
      if (flag !== undefined && flag !== "boolean") before.push(argv[++at] ?? "");
      continue;
    }
    words.push(word);
    const load = commands[words.join(" ")];
    if (load) return { load, rest: [...before, ...argv.slice(at + 1)] };
    if (word !== "image" || words.length > 1)
      throw new UnknownCommandError(words.length > 1 ? `${words[1]}" for "rkt image` : `${word}" for "rkt`);
  }
  return undefined;
}

class UnknownCommandError extends Error {}

function createContext(
  command: Command,
  { flags, args }: { flags: ParsedFlags; args: readonly string[] },
  argv: readonly string[],
  { self }: EngineOptions,
): Context {
  const tell = (line: string) => writeAll(2, `${lastWord(command)}: ${line}\n`);
  return {
    flags,
    args,
    argv,
    self,
    tell,
    print,
    dir: dataDirectory(flags),
    insecure: insecureSet(flags),
    debug: flags.isSet("debug") ? tell : () => undefined,
    usage: () => {
      print(usageText(command));
      return 254;
    },
  };
}

function insecureSet(flags: ParsedFlags): ReadonlySet<string> {
  const groups: Readonly<Record<string, readonly string[]>> = {
    none: [],
    "all-fetch": ["image", "tls", "http", "pubkey"],
    "all-run": ["ondisk", "capabilities", "paths", "seccomp"],
    all: ["image", "tls", "http", "pubkey", "ondisk", "capabilities", "paths", "seccomp"],
  };
  return new Set(flags.list("insecure-options").flatMap((option) => groups[option] ?? [option]));
}

function tellError(error: unknown, command: Command | undefined): number {
  if (error instanceof UnknownCommandError) {
    writeAll(2, `Error: unknown command "${error.message}"\nRun 'rkt --help' for usage.\n`);
    return 254;
  }
  if (error instanceof UsageError) {
    if (command) print(usageText(command));
    writeAll(2, `Error: ${error.message}\n\n`);
    return 254;
  }
  // What the kernel refuses is told; a mistake of ours crashes.
  const known =
    error instanceof EngineError ||
    (error instanceof Error && "code" in error && !String(error.code).startsWith("ERR_"));
  if (!known) throw error;
  const told = error instanceof EngineError ? error : fileError(error);
  const name = command === undefined ? "rkt" : lastWord(command);
  for (const line of told.message.split("\n")) writeAll(2, `${name}: ${line}\n`);
  return told.exitCode;
}

function usageOfAll(argv: readonly string[]): number {
  print(
    `Usage: rkt [GLOBAL OPTION…] COMMAND\n\nCommands:\n${Object.keys(commands)
      .map((name) => `  ${name}\n`)
      .join("")}\n${globalUsage()}`,
  );
  return argv.includes("--help") || argv.includes("-h") ? 0 : 2;
}

function usageText(command: Command): string {
  const options = Object.keys(command.flags)
    .filter((name) => !name.startsWith("gantry-")) // rkt has none of these, and people need none
    .map((name) => `  --${name}\n`);
  return [
    `Usage: rkt ${command.name} ${command.synopsis}\n\n`,
    options.length > 0 ? `Options:\n${options.join("")}\n` : "",
    globalUsage(),
  ].join("");
}

function globalUsage(): string {
  return `Global options:\n${Object.keys(globalFlags)
    .map((name) => `  --${name}\n`)
    .join("")}`;
}

function lastWord(command: Command): string {
  return command.name.split(" ").at(-1) ?? "";
}

function print(text: string): void {
  writeAll(1, text);
}

/** At once and completely, so that nothing is lost when the process ends or becomes another. A reader that has gone is no error. */
function writeAll(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (hasErrorCode(error, "EAGAIN")) Bun.sleepSync(1);
      else if (hasErrorCode(error, "EPIPE")) return;
      else throw new Error(`cannot write: ${errorChain(error)}`, { cause: error });
    }
  }
}
