// `gantry uninstall --purge`: configuration and state go.
// Invariant: only what gantry makes is removed. What somebody has put beside it or mounted there stays, and is told.

import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/settings.ts";
import { runCommand } from "../host/command.ts";
import { hasErrorCode } from "../host/error.ts";
import { isMountPoint, mountPoints, unmountBelow } from "../host/mount-table.ts";

export interface Step {
  /** As said of it. */
  readonly what: string;
  /** Resolves with what has to be said afterwards. */
  readonly act: () => Promise<string | undefined>;
}

const configDir = "/etc/gantry";

const isOfState = /^(pods|rkt|\.?(manifests\.json|fetched-images)(\.tmp)?)$/;
const isOfRun =
  /^(gantry\.sock(\.\d+)?|credentials|outside|plan\.\w{6}|\.?(probes|evictions)\.json(\.tmp)?)$/;

/** Directories that no program has for itself (hier(7)), where a configuration names one. */
const isEverybodys = /^\/([^/]*|(etc|home|run|usr|usr\/local|var|var\/lib)\/(?!gantry)[^/]*)$/;

export interface PurgeOptions {
  readonly config: Config;
  /** The engine's command line. */
  readonly engine: readonly string[];
  /** Where it keeps pods and images. */
  readonly engineDir: string;
}

export function purgeSteps({ config, engine, engineDir }: PurgeOptions): readonly Step[] {
  const { manifestPath, stateDir, runDir, unitDir } = config;
  const isBelow = (path: string, parent: string) => `${path}/`.startsWith(`${parent}/`);
  return [
    {
      what: "remove what pods have left",
      act: async () => void (await removeRemains([...engine, `--dir=${engineDir}`], unitDir)),
    },
    { what: `remove ${configDir}`, act: () => removeConfiguration() },
    ...(isBelow(manifestPath, configDir) ? [] : [stay(manifestPath, "manifestPath")]),
    ...(isBelow(engineDir, stateDir) ? [] : [stay(engineDir, "rkt.dir")]),
    ...[[stateDir, isOfState] as const, [runDir, isOfRun] as const].map(([path, isOurs]) =>
      isEverybodys.test(path)
        ? { what: `leave ${path}, where others have things too`, act: async () => undefined }
        : { what: `remove what gantry made in ${path}`, act: () => removeOurs(path, isOurs) },
    ),
  ];
}

function stay(path: string, key: string): Step {
  return { what: `leave ${path} (${key})`, act: async () => undefined };
}

/** What runs no more is removed by the engine first, which knows of networks too; a real rkt's pods are not ours alone. */
async function removeRemains(engine: readonly string[], unitDir: string): Promise<void> {
  const gc = [...engine, "gc", "--grace-period=0s", "--expire-prepared=0s"];
  await runCommand(gc, { timeoutMs: 300_000 });
  for (const name of await readdir(unitDir))
    if (/^gantry-[0-9a-f]{8}-[0-9a-f-]{27}.*\.service$/.test(name)) await rm(join(unitDir, name));
}

/** All that is in it is ours, but nothing is mounted there by us. */
async function removeConfiguration(): Promise<string | undefined> {
  for (const name of await namesIn(configDir)) {
    const path = join(configDir, name);
    if ((await mountPoints(path)).length === 0) await rm(path, { recursive: true, force: true });
  }
  return removeIfEmpty(configDir);
}

async function removeOurs(path: string, isOurs: RegExp): Promise<string | undefined> {
  for (const name of (await namesIn(path)).filter((one) => isOurs.test(one)))
    await removeTree(join(path, name));
  return removeIfEmpty(path);
}

/** What is mounted there itself is a disk of the machine's: it stays, and is emptied. What is mounted below it are volumes of pods. */
async function removeTree(path: string): Promise<void> {
  if (await isMountPoint(path)) {
    for (const name of await readdir(path)) await removeTree(join(path, name));
    return;
  }
  await unmountBelow(path);
  await rm(path, { recursive: true, force: true });
}

/** Resolves with what has to be said of it. */
async function removeIfEmpty(path: string): Promise<string | undefined> {
  await rmdir(path).catch((error: unknown) => {
    if (!hasErrorCode(error, "ENOENT", "ENOTEMPTY", "EEXIST", "EBUSY", "ENOTDIR")) throw error;
  });
  const left = await namesIn(path);
  return left.length === 0 ? undefined : `left in ${path}: ${left.join(", ")}`;
}

async function namesIn(path: string): Promise<readonly string[]> {
  return (await readdir(path).catch(() => [])).sort();
}
