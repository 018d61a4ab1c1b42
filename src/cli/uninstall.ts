// `gantry uninstall`: the agent is no service any more.
// Invariant: pods run on unless told otherwise, and what is mounted below a directory is never removed with it.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { readConfig } from "../config/read-config.ts";
import type { Config } from "../config/settings.ts";
import { runCommand } from "../host/command.ts";
import { readTextIfExists } from "../host/files.ts";
import { isMountPoint, unmountBelow } from "../host/mount-table.ts";
import { podUnitGlob, uuidOfPodUnit } from "../pod/names.ts";
import { isWrittenByUs } from "./agent-unit.ts";
import { CommandFailure } from "./failure.ts";
import { agentUnitPath, manPagePath, systemctl, sysusersPath } from "./install.ts";
import { print } from "./output.ts";

export interface UninstallOptions {
  readonly purge?: boolean;
  readonly stopPods?: boolean;
  readonly dryRun?: boolean;
}

interface Step {
  /** As said of it. */
  readonly what: string;
  readonly act: () => Promise<unknown>;
}

/** `self` starts this program. Resolves with the exit code. */
export async function runUninstall(options: UninstallOptions, self: readonly string[]): Promise<number> {
  const { purge, stopPods, dryRun } = options;
  if (process.getuid?.() !== 0 && !dryRun)
    throw new CommandFailure("Only root can uninstall (sudo gantry uninstall)");
  const { config } = await readConfig({ flags: {}, environment: {} });
  const pods = await runningPodUnits();
  const isOne = pods.length === 1;
  const some = `${pods.length} ${isOne ? "pod" : "pods"}`;
  const run = isOne ? "runs" : "run";
  if (purge && pods.length > 0 && !stopPods)
    throw new CommandFailure(
      `${some} ${run}, and --purge removes what ${isOne ? "it runs" : "they run"} from (--stop-pods ends them first)`,
    );
  const steps = [
    ...(isWrittenByUs((await readTextIfExists(agentUnitPath)) ?? "") ? serviceSteps() : []),
    ...(stopPods && pods.length > 0 ? [{ what: `stop ${some}`, act: () => systemctl("stop", ...pods) }] : []),
    ...(purge ? purgeSteps(config, self) : []),
    { what: "read systemd's units again", act: () => systemctl("daemon-reload") },
  ];
  for (const { what, act } of steps) {
    await print(`${dryRun ? "would " : ""}${what}\n`);
    if (!dryRun) await act();
  }
  if (pods.length > 0 && !stopPods)
    await print(`${some} ${run} on, until systemctl stop '${podUnitGlob}' or the next boot\n`);
  return 0;
}

function serviceSteps(): readonly Step[] {
  return [
    {
      what: "stop gantry.service",
      act: () => systemctl("disable", "--now", "--quiet", "gantry.service"),
    },
    removal(agentUnitPath),
    removal(manPagePath),
  ];
}

/** What runs no more is removed by the engine first, which knows of networks too; a real rkt's pods are not ours alone. */
function purgeSteps({ stateDir, runDir, unitDir }: Config, self: readonly string[]): readonly Step[] {
  const engine = [...self, "rkt", `--dir=${stateDir}/rkt`];
  const gc = [...engine, "gc", "--grace-period=0s", "--expire-prepared=0s"];
  return [
    {
      what: "remove what pods have left",
      async act() {
        await runCommand(gc, { timeoutMs: 300_000 });
        for (const name of await readdir(unitDir))
          if (/^gantry-[0-9a-f]{8}-[0-9a-f-]{27}.*\.service$/.test(name)) await rm(join(unitDir, name));
      },
    },
    ...["/etc/gantry", stateDir, runDir].map((path) =>
      isEverybodys.test(path)
        ? { what: `leave ${path}, where others have things too`, act: async () => undefined }
        : { what: `remove ${path}`, act: () => removeTree(path) },
    ),
    removal(sysusersPath),
  ];
}

/** Directories that no program has for itself (hier(7)), where a configuration names one. */
const isEverybodys = /^\/([^/]*|(etc|home|run|usr|usr\/local|var|var\/lib)\/(?!gantry)[^/]*)$/;

function removal(path: string): Step {
  return { what: `remove ${path}`, act: () => rm(path, { force: true }) };
}

async function runningPodUnits(): Promise<readonly string[]> {
  const argv = [
    "systemctl",
    "list-units",
    "--plain",
    "--no-legend",
    "--state=active,activating",
    podUnitGlob,
  ];
  const { stdout } = await runCommand(argv, { timeoutMs: 30_000 });
  return stdout
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((unit) => uuidOfPodUnit(unit) !== undefined);
}

/** What is mounted there itself is a disk of the machine's: it stays, and is emptied. */
async function removeTree(path: string): Promise<void> {
  for (const name of await readdir(path).catch(() => [])) {
    await unmountBelow(join(path, name));
    await rm(join(path, name), { recursive: true, force: true });
  }
  if (!(await isMountPoint(path))) await rm(path, { recursive: true, force: true });
}
