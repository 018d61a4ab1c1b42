// Where the engine keeps pods and images, chosen as rkt chooses: --dir, else `paths` of the configuration directories.

import { resolve } from "node:path";
import type { ParsedFlags } from "./command-line.ts";
import { configDirectories, readConfigs } from "./config-files.ts";

const defaultDirectory = "/var/lib/gantry/rkt";

/** Absolute. The system's configuration is overridden by the local one, that by the user's. */
export function dataDirectory(flags: ParsedFlags): string {
  const given = flags.text("dir");
  if (given !== undefined && given !== "") return resolve(given);
  const configured = configDirectories(flags)
    .map(configuredDirectory)
    .find((directory) => directory !== undefined);
  return resolve(configured ?? defaultDirectory);
}

function configuredDirectory(configDir: string): string | undefined {
  return readConfigs(configDir, "paths.d")
    .map(({ rktKind, data }) => (rktKind === "paths" && typeof data === "string" ? data : ""))
    .findLast((data) => data !== "");
}
