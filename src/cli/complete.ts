// What could come next on a command line that is being typed, for the scripts of completion.ts.
// Invariant: never waits for an agent that does not answer, and never fails: then there is less to offer.

import type { Command, Option } from "commander";
import type { Pod } from "kubernetes-types/core/v1";
import { AgentClient, defaultServer, type ServerOptions } from "./agent-client.ts";
import { containerNames, findPod, isNamed, listPods, nameOf } from "./find-pods.ts";
import type { Manifests } from "./manifest-resource.ts";

/** A person waits for it, at a key. */
const timeoutMs = 500;

/** A line each: what is offered, a tab and what it is; or `:files`, where the shell knows better. */
export async function complete(program: Command, words: readonly string[]): Promise<readonly string[]> {
  const { command, given, options } = parse(program, words.slice(0, -1));
  const word = words.at(-1) ?? "";
  const before = words.at(-2) ?? "";
  const pending = optionOf(command, before);
  if (pending?.required && !before.includes("=")) return valuesOf(pending, { command, given, options });
  const [, flag = "", value] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? [];
  const valued = optionOf(command, flag);
  if (value !== undefined && valued?.required)
    return (await valuesOf(valued, { command, given, options })).map((each) =>
      each.startsWith(":") ? each : `${flag}=${each}`,
    );
  if (word.startsWith("-")) return optionsOf(command);
  if (command.commands.length > 0) return given.length > 0 ? [] : commandsOf(command);
  return argumentsOf({ command, given, options });
}

interface Typed {
  readonly command: Command;
  /** Arguments, without options and their values. */
  readonly given: readonly string[];
  /** By attribute; the last counts. */
  readonly options: ReadonlyMap<string, string>;
}

function parse(program: Command, words: readonly string[]): Typed {
  let command = program;
  const given: string[] = [];
  const options = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const option = optionOf(command, word.replace(/=.*/s, ""));
    if (option?.required) {
      const value = word.includes("=") ? word.replace(/^[^=]*=/, "") : words[++at];
      if (value !== undefined) options.set(option.attributeName(), value);
    } else if (word.startsWith("-")) continue;
    else {
      const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
      if (next === undefined) given.push(word);
      else command = next;
    }
  }
  return { command, given, options };
}

function optionOf(command: Command, word: string): Option | undefined {
  return command.options.find(({ short, long }) => word === short || word === long);
}

function optionsOf(command: Command): readonly string[] {
  return command.options
    .filter(({ hidden }) => !hidden)
    .map(({ long, description }) => offer(long ?? "", description));
}

function commandsOf(command: Command): readonly string[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((each) => offer(each.name(), each.description()));
}

async function valuesOf(option: Option, typed: Typed): Promise<readonly string[]> {
  if (option.argChoices) return option.argChoices;
  const attribute = option.attributeName();
  if (attribute === "namespace") return unique((await pods(typed)).map((pod) => nameOf(pod).namespace));
  if (attribute === "container") return containersOf(await pods(typed), typed);
  if (attribute === "for") {
    if (typed.command.name() === "wait") return ["condition=Ready", "delete", "jsonpath="];
    return podNames(await pods(typed), typed).map((name) => `pod/${name}`);
  }
  return /file|path|dir/.test(`${option.long} ${option.flags}`) ? [":files"] : [];
}

const resourceTypes = ["pods", "images", "events", "manifests", "nodes"];

async function argumentsOf(typed: Typed): Promise<readonly string[]> {
  const { command, given } = typed;
  switch (command.name()) {
    case "get": {
      const [type] = given;
      if (type === undefined) return resourceTypes;
      if (type.startsWith("po")) return podNames(await pods(typed), typed);
      return type.startsWith("manifest") ? manifestPaths(typed) : [];
    }
    case "describe":
    case "explain":
      return given.length === 0 ? ["pod"] : podNames(await pods(typed), typed);
    case "logs":
    case "exec":
    case "attach":
    case "port-forward":
      return given.length === 0 ? podNames(await pods(typed), typed) : [];
    case "top":
      return given.length === 0 ? ["pods", "node"] : podNames(await pods(typed), typed);
    case "wait":
      return podNames(await pods(typed), typed).map((name) => `pod/${name}`);
    case "completion":
      return ["bash", "zsh", "fish"];
    case "validate":
    case "plan":
      return [":files"];
    default:
      return [];
  }
}

/** As short as it is still clear: without the node's name. */
function podNames(all: readonly Pod[], { options }: Typed): readonly string[] {
  const namespace = options.get("namespace") ?? "default";
  return all
    .filter((pod) => nameOf(pod).namespace === namespace)
    .map((pod) => {
      const { name } = nameOf(pod);
      const short = name.replace(new RegExp(`-${RegExp.escape(pod.spec?.nodeName ?? "")}$`), "");
      return all.filter((other) => isNamed(other, short)).length === 1 ? short : name;
    });
}

function containersOf(all: readonly Pod[], { given, options }: Typed): readonly string[] {
  const [name] = given;
  if (name === undefined) return unique(all.flatMap(containerNames));
  try {
    return containerNames(findPod(all, name, options.get("namespace") ?? "default"));
  } catch {
    return [];
  }
}

async function manifestPaths(typed: Typed): Promise<readonly string[]> {
  return asked(typed, async (client, signal) => {
    const { files } = await client.json<Manifests>("/manifests", { signal });
    return files.map(({ path }) => path);
  });
}

function pods(typed: Typed): Promise<readonly Pod[]> {
  return asked(typed, async (client, signal) => (await listPods(client, signal)).items);
}

async function asked<T>(
  typed: Typed,
  ask: (client: AgentClient, signal: AbortSignal) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  try {
    return await ask(await AgentClient.create(serverOptionsOf(typed)), AbortSignal.timeout(timeoutMs));
  } catch {
    return [];
  }
}

/** As the command will have them. */
function serverOptionsOf({ command, options }: Typed): ServerOptions {
  const given = command.options.flatMap((option) => {
    const attribute = option.attributeName();
    const value = options.get(attribute) ?? process.env[option.envVar ?? ""];
    return value === undefined ? [] : [[attribute, value]];
  });
  return { server: defaultServer, ...Object.fromEntries(given) };
}

function offer(name: string, description: string): string {
  return `${name}\t${description}`;
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
