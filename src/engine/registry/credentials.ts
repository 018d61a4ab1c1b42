// The user and password for a registry, from rkt's configuration directories: `auth.d/*.json` of kind dockerAuth.
// Invariant: nothing of a file's content is in an error.

import { isJsonObject } from "../../pod/json.ts";
import type { ParsedFlags } from "../command-line.ts";
import { configDirectories, readConfigs } from "../config-files.ts";

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Docker Hub has many names. */
const hubNames = ["registry-1.docker.io", "index.docker.io", "docker.io", "https://index.docker.io/v1/"];

/** The user's directory counts before the local one, that before the system's; undefined where none of them names the registry. */
export function credentialsFor(host: string, flags: ParsedFlags): Credentials | undefined {
  const names = hubNames.includes(host) ? hubNames : [host];
  for (const directory of configDirectories(flags)) {
    const found = readConfigs(directory, "auth.d").flatMap((config) => {
      if (config.rktKind !== "dockerAuth" || !Array.isArray(config.registries)) return [];
      const { registries, credentials } = config;
      if (!names.some((name) => registries.includes(name)) || !isJsonObject(credentials)) return [];
      const { user, password } = credentials;
      return typeof user === "string" && typeof password === "string" ? [{ user, password }] : [];
    });
    const last = found.at(-1);
    if (last !== undefined && last.user !== "") return last;
  }
  return undefined;
}
