// Where the engine keeps pods and images, chosen as rkt chooses: --dir, else `paths` of the configuration directories.

import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { hasErrorCode } from "../host/error.ts";
import { isJsonObject, type Json } from "../pod/json.ts";
import type { ParsedFlags } from "./command-line.ts";
import { EngineError } from "./engine-error.ts";

const defaultDirectory = "/var/lib/gantry/rkt";

/** Absolute. The system's configuration is overridden by the local one, that by the user's. */
export function dataDirectory(flags: ParsedFlags): string {
  const given = flags.text("dir");
  if (given !== undefined && given !== "") return resolve(given);
  const configured = ["user-config", "local-config", "system-config"]
    .map((flag) => configuredDirectory(flags.text(flag)))
    .find((directory) => directory !== undefined);
  return resolve(configured ?? defaultDirectory);
}

function configuredDirectory(configDir: string | undefined): string | undefined {
  if (configDir === undefined || configDir === "") return undefined;
  let found: string | undefined;
  for (const name of configFiles(`${configDir}/paths.d`)) {
    const config = parseConfig(readFileSync(`${configDir}/paths.d/${name}`, "utf8"));
    if (
      isJsonObject(config) &&
      config.rktKind === "paths" &&
      typeof config.data === "string" &&
      config.data !== ""
    )
      found = config.data;
  }
  return found;
}

function configFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(".json"))
      .sort();
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return [];
    throw error;
  }
}

function parseConfig(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new EngineError(`cannot get configuration: ${(error as Error).message}`, { cause: error });
  }
}
