// Which rkt and systemd the agent works with, and how it calls rkt.

import type { Config } from "./config/settings.ts";
import type { RktClient } from "./rkt/rkt-client.ts";
import { versionProblem } from "./rkt/version.ts";
import { type FoundRkt, findRkt } from "./runtime/find-rkt.ts";
import { checkSystemdVersion, engineSystemdMinimum } from "./systemd/version.ts";

/** Throws where one is too old. */
export async function checkVersions(
  systemdVersion: string,
  { rkt, isBuiltin }: { readonly rkt: RktClient; readonly isBuiltin: boolean },
  signal: AbortSignal,
): Promise<void> {
  const problem =
    checkSystemdVersion(systemdVersion, isBuiltin ? engineSystemdMinimum : undefined) ??
    versionProblem((await rkt.version(signal)).rkt);
  if (problem !== undefined) throw new Error(problem);
}

export function rktOptions({ rkt, stateDir }: Config, { isBuiltin }: Pick<FoundRkt, "isBuiltin">) {
  const orUndefined = (text: string) => (text === "" ? undefined : text);
  // The engine knows no signatures, so it is told to do without: a root who writes a manifest has chosen the image.
  const asked = [...rkt.insecureOptions, ...(rkt.insecureSkipVerify ? ["image", "ondisk"] : [])];
  const insecureOptions = isBuiltin && asked.length === 0 ? ["image"] : [...new Set(asked)];
  return {
    debug: rkt.debug,
    insecureOptions,
    localConfigDir: orUndefined(rkt.localConfigDir),
    userConfigDir: orUndefined(rkt.userConfigDir),
    systemConfigDir: orUndefined(rkt.systemConfigDir),
    dir: orUndefined(rkt.dir) ?? (isBuiltin ? `${stateDir}/rkt` : undefined),
  };
}

/** Where the engine keeps pods and images; undefined where a real rkt is used. */
export async function engineDirectory(
  config: Config,
  self: readonly [program: string, ...args: string[]],
): Promise<string | undefined> {
  const found = await findRkt(config.rkt.path, process.env.PATH ?? "", self);
  return found.isBuiltin ? rktOptions(config, found).dir : undefined;
}
