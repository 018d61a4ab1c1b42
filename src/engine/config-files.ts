// rkt's configuration directories: each holds directories of JSON files.

import { readdirSync, readFileSync } from "node:fs";
import { hasErrorCode } from "../host/error.ts";
import { isJsonObject, type JsonObject } from "../pod/json.ts";
import type { ParsedFlags } from "./command-line.ts";
import { EngineError } from "./engine-error.ts";

/** The one that counts first comes first. */
export function configDirectories(flags: ParsedFlags): readonly string[] {
  return ["user-config", "local-config", "system-config"]
    .map((flag) => flags.text(flag) ?? "")
    .filter((directory) => directory !== "");
}

/** The objects in `DIRECTORY/KIND/*.json`, by the files' names. */
export function readConfigs(directory: string, kind: "auth.d" | "paths.d"): readonly JsonObject[] {
  return configFiles(`${directory}/${kind}`).map((file) => {
    const config = parseConfig(file);
    if (!isJsonObject(config)) throw new EngineError(`cannot get configuration: ${file}: no JSON object`);
    return config;
  });
}

function configFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(".json"))
      .sort()
      .map((name) => `${directory}/${name}`);
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return [];
    throw error;
  }
}

function parseConfig(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The parser's own message may quote a password.
    throw new EngineError(`cannot get configuration: ${file}: not JSON`);
  }
}
