// What the agent is told: defaults, then the file, its drop-ins, `GANTRY_*` and flags, each beating those before it.
// Invariant: strict. What is unknown or unusable is a ConfigError that names its place, and is never ignored.

import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorChain, hasErrorCode } from "../host/error.ts";
import { nearestName } from "../manifest/nearest-name.ts";
import { ConfigError } from "./config-error.ts";
import { type DecodedFile, decodeConfigFile, type Given } from "./config-file.ts";
import type { Settled, Value } from "./setting.ts";
import { allSettings, type Config, configOf, type NamedSetting } from "./settings.ts";

export const defaultConfigPath = "/etc/gantry/config.yaml";

/** Of other commands, or handled before: no settings. */
const otherVariables = new Set([
  "GANTRY_CONFIG",
  "GANTRY_SERVER",
  "GANTRY_TOKEN_FILE",
  "GANTRY_CLIENT_CERTIFICATE",
  "GANTRY_CLIENT_KEY",
  "GANTRY_CERTIFICATE_AUTHORITY",
]);

const prefix = "GANTRY_";

export interface ConfigInput {
  /** As given on the command line, by flag without dashes: `config`, and those of the table. */
  readonly flags: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  /** Usually process.env; only GANTRY_* is looked at. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface EffectiveConfig {
  readonly config: Config;
  /** Where each value came from, by key: `default`, or the place as ConfigError has it. */
  readonly sources: ReadonlyMap<string, string>;
  readonly values: Settled;
}

/** Throws ConfigError. */
export async function readConfig({ flags, environment }: ConfigInput): Promise<EffectiveConfig> {
  const problems: string[] = [];
  const given = new Map<string, Given>();
  const named = flags.config ?? environment.GANTRY_CONFIG;
  const layers = [
    ...(await fileLayers(typeof named === "string" ? named : undefined)),
    environmentLayer(environment),
    flagLayer(flags),
  ];
  for (const layer of layers) {
    problems.push(...layer.problems);
    for (const [key, one] of layer.given) given.set(key, one);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return settle(given);
}

function settle(given: ReadonlyMap<string, Given>): EffectiveConfig {
  const values = new Map<string, Value>();
  const sources = new Map<string, string>();
  for (const { key, fallback, normalize } of allSettings) {
    const one = given.get(key);
    const value = one?.value ?? (typeof fallback === "function" ? fallback(values) : fallback);
    values.set(key, normalize(value));
    sources.set(key, one?.from ?? "default");
  }
  return { config: configOf(values), sources, values };
}

/** The file and what is in `config.d` beside it. Only the default file may be missing. */
async function fileLayers(named: string | undefined): Promise<readonly DecodedFile[]> {
  const path = named ?? defaultConfigPath;
  if (!path.startsWith("/"))
    return [
      { given: new Map(), problems: [`config: must be an absolute path, not ${JSON.stringify(path)}`] },
    ];
  const dropIns = join(dirname(path), "config.d");
  let problem: readonly string[] = [];
  const names: readonly string[] = await readdir(dropIns)
    .catch(missingIs([]))
    .catch((error: unknown) => {
      problem = [`${dropIns}: cannot be read: ${errorChain(error)}`];
      return [];
    });
  const files = names.filter((name) => /^[^.].*\.yaml$/.test(name)).sort();
  const paths = [path, ...files.map((name) => join(dropIns, name))];
  const layers = paths.map(async (file) => {
    try {
      const text = await readFile(file, "utf8").catch(named === undefined ? missingIs("") : rethrow);
      return decodeConfigFile(file, text);
    } catch (error) {
      return { given: new Map(), problems: [`${file}: cannot be read: ${errorChain(error)}`] };
    }
  });
  const open = await Promise.all([dropIns, ...paths].map(opennessOf));
  return [{ given: new Map(), problems: [...problem, ...open.flat()] }, ...(await Promise.all(layers))];
}

/** Who may write it has the agent, and so root, do anything. What cannot be looked at is told by who reads it. */
async function opennessOf(path: string): Promise<readonly string[]> {
  const mode = await stat(path).then(
    (found) => found.mode,
    () => 0,
  );
  return (mode & 0o002) === 0 ? [] : [`${path}: may be written by everyone (chmod o-w ${path})`];
}

function missingIs<T>(instead: T): (error: unknown) => T {
  return (error) => (hasErrorCode(error, "ENOENT", "ENOTDIR") ? instead : rethrow(error));
}

function rethrow(error: unknown): never {
  throw error;
}

function environmentLayer(environment: ConfigInput["environment"]): DecodedFile {
  const byVariable = new Map(allSettings.map((setting) => [setting.variable, setting]));
  const given = new Map<string, Given>();
  const problems: string[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || otherVariables.has(name) || text === undefined) continue;
    const setting = byVariable.get(name);
    if (setting === undefined) {
      const near = nearestName(
        name.slice(prefix.length),
        [...byVariable.keys()].map((known) => known.slice(prefix.length)),
      );
      const hint = near === undefined ? "" : ` (did you mean ${prefix}${near}?)`;
      problems.push(`unknown variable ${name} in the environment${hint}`);
      continue;
    }
    const isList = setting.shape.kind === "list";
    const read = readText(setting, isList ? text.split(",").filter((item) => item !== "") : text);
    if ("problem" in read) problems.push(`${name}: ${read.problem}`);
    else given.set(setting.key, { value: read.value, from: name });
  }
  return { given, problems };
}

function flagLayer(flags: ConfigInput["flags"]): DecodedFile {
  const given = new Map<string, Given>();
  const problems: string[] = [];
  for (const setting of allSettings) {
    const written = flags[setting.flag];
    if (written === undefined) continue;
    const from = `--${setting.flag}`;
    const read = readText(setting, typeof written === "boolean" ? String(written) : written);
    if ("problem" in read) problems.push(`${from}: ${read.problem}`);
    else given.set(setting.key, { value: read.value, from });
  }
  return { given, problems };
}

/** By the shape that the file is held to. */
function readText(
  { shape }: NamedSetting,
  written: string | readonly string[],
): { readonly value: Value } | { readonly problem: string } {
  const item = shape.kind === "list" ? shape.item : shape;
  for (const text of [written].flat()) {
    const problem = textProblem(item, text);
    if (problem !== undefined) return { problem: `${problem}, not ${JSON.stringify(text)}` };
  }
  if (shape.kind === "flag") return { value: written === "true" };
  return { value: shape.kind === "integer" ? Number(written) : written };
}

function textProblem(shape: NamedSetting["shape"], text: string): string | undefined {
  switch (shape.kind) {
    case "text":
      return shape.formats.map((format) => format(text)).find((problem) => problem !== undefined);
    case "integer": {
      const { min, max } = shape;
      const isInRange = /^-?(0|[1-9]\d{0,14})$/.test(text) && Number(text) >= min && Number(text) <= max;
      return isInRange ? undefined : `must be a whole number from ${min} to ${max}`;
    }
    case "flag":
      return text === "true" || text === "false" ? undefined : "must be true or false";
    default:
      throw new Error(`no setting has the shape ${shape.kind}`);
  }
}
