// `gantry uninstall`: the agent is no service any more.
// Invariant: pods run on unless told otherwise, and what is mounted below a directory is never removed with it.

import { rm } from "node:fs/promises";
import { readConfig } from "../config/read-config.ts";
import { runCommand } from "../host/command.ts";
import { readTextIfExists } from "../host/files.ts";
import { unmountBelow } from "../host/mount-table.ts";
import { podUnitGlob, uuidOfPodUnit } from "../pod/names.ts";
import { CommandFailure } from "./failure.ts";
import { agentUnitPath, manPagePath, systemctl } from "./install.ts";
import { print } from "./output.ts";

export interface UninstallOptions {
  readonly purge?: boolean;
  readonly stopPods?: boolean;
  readonly dryRun?: boolean;
}

/** Resolves with the exit code. */
export async function runUninstall({ purge, stopPods, dryRun }: UninstallOptions): Promise<number> {
  if (process.getuid?.() !== 0 && !dryRun)
    throw new CommandFailure("Only root can uninstall (sudo gantry uninstall)");
  const { config } = await readConfig({ flags: {}, environment: {} });
  const units = await runningPodUnits();
  if (purge && units.length > 0 && !stopPods)
    throw new CommandFailure(
      `${units.length} pods run, and --purge removes what they run from (--stop-pods ends them first)`,
    );
  const { stateDir, runDir } = config;
  const steps: readonly (readonly [what: string, act: () => Promise<void>])[] = [
    ...((await readTextIfExists(agentUnitPath)) === undefined
      ? []
      : ([
          ["stop gantry.service", () => systemctl("disable", "--now", "--quiet", "gantry.service")],
          [`remove ${agentUnitPath}`, () => rm(agentUnitPath, { force: true })],
        ] as const)),
    [`remove ${manPagePath}`, () => rm(manPagePath, { force: true })],
    ...(stopPods && units.length > 0
      ? [[`stop ${units.length} pods`, () => systemctl("stop", ...units)] as const]
      : []),
    ...(purge
      ? [
          ...["/etc/gantry", stateDir, runDir].map(
            (path) => [`remove ${path}`, () => removeTree(path)] as const,
          ),
          [
            "remove /etc/sysusers.d/gantry.conf",
            () => rm("/etc/sysusers.d/gantry.conf", { force: true }),
          ] as const,
        ]
      : []),
    ["read systemd's units again", () => systemctl("daemon-reload")],
  ];
  for (const [what, act] of steps) {
    await print(`${dryRun ? "would " : ""}${what}\n`);
    if (!dryRun) await act();
  }
  if (units.length > 0 && !stopPods)
    await print(`${units.length} pods run on, until systemctl stop '${podUnitGlob}' or the next boot\n`);
  return 0;
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

async function removeTree(path: string): Promise<void> {
  await unmountBelow(path);
  await rm(path, { recursive: true, force: true });
}
