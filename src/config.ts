// What the agent is told: defaults, then `GANTRY_*`, then flags, from one table.
// Invariant: strict. An unknown flag, an unknown GANTRY_ variable or a bad value is a ConfigError that names it, never ignored.

import { hostname } from "node:os";
import { parseArgs } from "node:util";

export interface Config {
  /** A directory, or one file. */
  readonly manifestPath: string;
  readonly stateDir: string;
  readonly runDir: string;
  readonly unitDir: string;
  readonly nodeName: string;
  /** `unix:///path` or `http://host:port`. */
  readonly listen: readonly string[];
  readonly network: string;
  readonly maxParallelImagePulls: number;
  readonly rkt: RktConfig;
  readonly engine: EngineConfig;
  readonly isDebug: boolean;
}

export interface EngineConfig {
  /** Whether a pod that would share the machine's process ids without asking for them is refused. */
  readonly requireIsolation: boolean;
}

export interface RktConfig {
  /** `builtin`: this executable's engine; empty: a `rkt` in $PATH, else the engine. */
  readonly path: string;
  /** Empty: rkt's own default; the engine's is stateDir/rkt. The same for what follows. */
  readonly dir: string;
  readonly stage1Name: string;
  readonly stage1Path: string;
  readonly localConfigDir: string;
  readonly userConfigDir: string;
  readonly systemConfigDir: string;
  readonly insecureOptions: readonly string[];
  readonly isDebug: boolean;
}

/** A setting that cannot be used: says which, where it was given and what is expected. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

interface Setting {
  readonly flag: string;
  readonly type: "string" | "boolean" | "list";
  readonly help: string;
}

const settings = {
  manifestPath: { flag: "manifest-path", type: "string", help: "directory of Pod manifests, or one file" },
  stateDir: { flag: "state-dir", type: "string", help: "what must outlive a reboot" },
  runDir: { flag: "run-dir", type: "string", help: "where the socket is" },
  unitDir: { flag: "unit-dir", type: "string", help: "where pod units are written; one agent each" },
  nodeName: { flag: "node-name", type: "string", help: "suffix of pod names; the host's name" },
  listen: { flag: "listen", type: "list", help: "unix:///PATH or http://127.0.0.1:PORT; repeatable" },
  network: { flag: "network", type: "string", help: "network of pods without hostNetwork" },
  maxParallelImagePulls: {
    flag: "max-parallel-image-pulls",
    type: "string",
    help: "images pulled at once; 1",
  },
  rktPath: { flag: "rkt-path", type: "string", help: "a real rkt, or builtin" },
  rktDir: { flag: "rkt-dir", type: "string", help: "rkt's data directory" },
  rktStage1Name: { flag: "rkt-stage1-name", type: "string", help: "name of the stage1 image" },
  rktStage1Path: { flag: "rkt-stage1-path", type: "string", help: "file of the stage1 image" },
  rktInsecureOptions: { flag: "rkt-insecure-options", type: "list", help: "rkt's --insecure-options" },
  rktInsecureSkipVerify: { flag: "rkt-insecure-skip-verify", type: "boolean", help: "image,ondisk" },
  rktDebug: { flag: "rkt-debug", type: "boolean", help: "rkt's --debug" },
  rktLocalConfigDir: { flag: "rkt-local-config-dir", type: "string", help: "rkt's --local-config" },
  rktUserConfigDir: { flag: "rkt-user-config-dir", type: "string", help: "rkt's --user-config" },
  rktSystemConfigDir: { flag: "rkt-system-config-dir", type: "string", help: "rkt's --system-config" },
  engineRequireIsolation: {
    flag: "engine-require-isolation",
    type: "boolean",
    help: "run no pod that would share process ids unasked",
  },
  debug: { flag: "debug", type: "boolean", help: "log more" },
} as const satisfies Record<string, Setting>;

type Key = keyof typeof settings;

interface Given {
  readonly value: string | boolean | readonly (string | boolean)[];
  /** How the user knows it: `--state-dir` or `GANTRY_STATE_DIR`. */
  readonly from: string;
}

/** A line for each flag, for `gantry agent --help`. */
export function flagHelp(): string {
  const lines = Object.values(settings).map(({ flag, help }) => `  --${flag.padEnd(26)} ${help}`);
  return `${lines.join("\n")}\n`;
}

/** @param environment usually process.env; only GANTRY_* is looked at. Throws ConfigError. */
export function readConfig(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Config {
  const given = new Map([...fromEnvironment(environment), ...fromFlags(argv)]);
  const text = (key: Key, fallback: string) => {
    const value = given.get(key)?.value;
    return typeof value === "string" ? value : fallback;
  };
  const list = (key: Key, fallback: readonly string[]) => {
    const value = given.get(key)?.value;
    return Array.isArray(value) ? value.map(String) : fallback;
  };
  const isSet = (key: Key) => given.get(key)?.value === true;
  const from = (key: Key) => given.get(key)?.from ?? `--${settings[key].flag}`;
  const path = (key: Key, fallback: string) => absolute(text(key, fallback), from(key));
  // Absolute too, as systemd starts rkt in another directory.
  const optionalPath = (key: Key) => (text(key, "") === "" ? "" : path(key, ""));
  const runDir = path("runDir", "/run/gantry");
  const insecureOptions = list("rktInsecureOptions", []);
  return {
    manifestPath: path("manifestPath", "/etc/gantry/manifests"),
    stateDir: path("stateDir", "/var/lib/gantry"),
    runDir,
    unitDir: path("unitDir", "/run/systemd/system"),
    nodeName: checkedNodeName(text("nodeName", hostname().toLowerCase()), from("nodeName")),
    listen: list("listen", [`unix://${runDir}/gantry.sock`, "http://127.0.0.1:10255"]),
    network: text("network", "default"),
    maxParallelImagePulls: checkedCount(text("maxParallelImagePulls", "1"), from("maxParallelImagePulls")),
    rkt: {
      path: text("rktPath", "") === "builtin" ? "builtin" : optionalPath("rktPath"),
      dir: optionalPath("rktDir"),
      stage1Name: text("rktStage1Name", ""),
      stage1Path: optionalPath("rktStage1Path"),
      localConfigDir: optionalPath("rktLocalConfigDir"),
      userConfigDir: optionalPath("rktUserConfigDir"),
      systemConfigDir: optionalPath("rktSystemConfigDir"),
      insecureOptions: isSet("rktInsecureSkipVerify")
        ? [...new Set([...insecureOptions, "image", "ondisk"])]
        : insecureOptions,
      isDebug: isSet("rktDebug"),
    },
    engine: { requireIsolation: isSet("engineRequireIsolation") },
    isDebug: isSet("debug"),
  };
}

function fromFlags(argv: readonly string[]): [Key, Given][] {
  const options = Object.fromEntries(
    Object.values<Setting>(settings).map(({ flag, type }) => [
      flag,
      { type: type === "boolean" ? ("boolean" as const) : ("string" as const), multiple: type === "list" },
    ]),
  );
  try {
    const { values } = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false });
    return keys().flatMap((key) => {
      const value = values[settings[key].flag];
      return value === undefined ? [] : [[key, { value, from: `--${settings[key].flag}` }]];
    });
  } catch (error) {
    // What follows its first line is advice for other programs.
    const [message] = String(error instanceof Error ? error.message : error).split(/\. |\.?\n/);
    throw new ConfigError(`${message} (gantry agent --help lists the flags)`);
  }
}

function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): [Key, Given][] {
  const byVariable = new Map(keys().map((key) => [variable(key), key]));
  const given: [Key, Given][] = [];
  for (const [name, value] of Object.entries(environment)) {
    // GANTRY_SERVER is the client commands'.
    if (!name.startsWith("GANTRY_") || name === "GANTRY_SERVER" || value === undefined) continue;
    const key = byVariable.get(name);
    if (key === undefined) throw new ConfigError(`unknown variable ${name} in the environment`);
    given.push([key, { value: parseVariable(key, name, value), from: name }]);
  }
  return given;
}

function parseVariable(key: Key, name: string, value: string): Given["value"] {
  const { type } = settings[key];
  if (type === "list") return value.split(",").filter((item) => item !== "");
  if (type === "string") return value;
  if (value === "true" || value === "false") return value === "true";
  throw new ConfigError(`${name}: must be true or false, not ${JSON.stringify(value)}`);
}

function keys(): readonly Key[] {
  return Object.keys(settings) as Key[];
}

function variable(key: Key): string {
  return `GANTRY_${settings[key].flag.toUpperCase().replaceAll("-", "_")}`;
}

function absolute(path: string, from: string): string {
  if (!path.startsWith("/"))
    throw new ConfigError(`${from}: must be an absolute path, not ${JSON.stringify(path)}`);
  return path === "/" ? path : path.replace(/\/+$/, "");
}

function checkedCount(text: string, from: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new ConfigError(`${from}: must be a number, 1 or more, not ${JSON.stringify(text)}`);
}

function checkedNodeName(name: string, from: string): string {
  if (name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name)) {
    return name;
  }
  throw new ConfigError(`${from}: ${JSON.stringify(name)} is no DNS name (lower case, digits, - and .)`);
}
