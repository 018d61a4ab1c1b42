// `gantry uninstall`: the agent is no service any more.
// Invariants: pods run on unless told otherwise; nothing is ended or removed under an agent that runs.

import { access, rm } from "node:fs/promises";
import { readConfig } from "../config/read-config.ts";
import type { Config } from "../config/settings.ts";
import { runCommand } from "../host/command.ts";
import { lockDirectory } from "../host/directory-lock.ts";
import { readTextIfExists } from "../host/files.ts";
import { podUnitGlob, uuidOfPodUnit } from "../pod/names.ts";
import { isWrittenByUs } from "./agent-unit.ts";
import { CommandFailure } from "./failure.ts";
import { agentUnitPath, manPagePath, systemctl, sysusersPath } from "./install.ts";
import { print } from "./output.ts";
import { purgeSteps, type Step } from "./purge.ts";

export interface UninstallOptions {
  readonly purge?: boolean;
  readonly stopPods?: boolean;
  readonly dryRun?: boolean;
}

export interface UninstallContext {
  /** Starts this program. */
  readonly self: readonly string[];
  /** Where the engine keeps pods and images; undefined where a real rkt is used. */
  readonly engineDirectory: (config: Config) => Promise<string | undefined>;
}

/** Resolves with the exit code. */
export async function runUninstall(options: UninstallOptions, context: UninstallContext): Promise<number> {
  const { purge, stopPods, dryRun } = options;
  if (process.getuid?.() !== 0 && !dryRun)
    throw new CommandFailure("Only root can uninstall (sudo gantry uninstall)");
  const unit = await readTextIfExists(agentUnitPath);
  if (unit !== undefined && !isWrittenByUs(unit))
    throw new CommandFailure(
      `${agentUnitPath} is somebody's own (systemctl disable --now gantry, and move it away)`,
    );
  const { config } = await readConfig({ flags: {}, environment: {} });
  refuseToPurgeUnder(await livePodUnits(), options);
  if (unit !== undefined) await take(stopOfService, options);
  await using stack = new AsyncDisposableStack();
  if ((purge || stopPods) && !dryRun)
    for (const path of [config.unitDir, config.stateDir]) stack.use(await lockForUs(path));
  // Again: until now the agent may have started some.
  const pods = await livePodUnits();
  refuseToPurgeUnder(pods, options);
  const engine = [...context.self, "rkt"];
  const engineDir = (await context.engineDirectory(config)) ?? `${config.stateDir}/rkt`;
  const steps = [
    ...(unit === undefined ? [] : [removal(agentUnitPath), removal(manPagePath)]),
    ...(stopPods && pods.length > 0 ? [stopOf(pods)] : []),
    ...(purge ? [...purgeSteps({ config, engine, engineDir }), removal(sysusersPath)] : []),
    { what: "read systemd's units again", act: async () => void (await systemctl("daemon-reload")) },
  ];
  for (const step of steps) await take(step, options);
  if (pods.length > 0 && !stopPods)
    await print(`${some(pods)} ${run(pods)} on, until systemctl stop '${podUnitGlob}' or the next boot\n`);
  return 0;
}

async function take({ what, act }: Step, { dryRun }: UninstallOptions): Promise<void> {
  await print(`${dryRun ? "would " : ""}${what}\n`);
  const afterwards = dryRun ? undefined : await act();
  if (afterwards !== undefined) await print(`${afterwards}\n`);
}

const some = (pods: readonly string[]) => `${pods.length} ${pods.length === 1 ? "pod" : "pods"}`;
const run = (pods: readonly string[]) => (pods.length === 1 ? "runs" : "run");

function refuseToPurgeUnder(pods: readonly string[], { purge, stopPods }: UninstallOptions): void {
  if (!purge || stopPods || pods.length === 0) return;
  const what = pods.length === 1 ? "it runs" : "they run";
  throw new CommandFailure(
    `${some(pods)} ${run(pods)}, and --purge removes what ${what} from (--stop-pods ends them first)`,
  );
}

/** As the agent does, so that none runs or begins to. */
async function lockForUs(path: string): Promise<AsyncDisposable | undefined> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (!isThere) return undefined;
  const lock = await lockDirectory(path);
  if (lock === undefined)
    throw new CommandFailure(`An agent runs that gantry.service does not (${path} is locked); stop it first`);
  return lock;
}

const stopOfService: Step = {
  what: "stop gantry.service",
  act: async () => void (await systemctl("disable", "--now", "--quiet", "gantry.service")),
};

/** Each unit has a deadline of its own, which is as long as the pod's grace period wants it. */
function stopOf(pods: readonly string[]): Step {
  const timeoutMs = 2 ** 31 - 1; // the most that a timer takes
  return {
    what: `stop ${some(pods)}`,
    act: async () => void (await runCommand(["systemctl", "stop", ...pods], { timeoutMs })),
  };
}

function removal(path: string): Step {
  return { what: `remove ${path}`, act: async () => void (await rm(path, { force: true })) };
}

async function livePodUnits(): Promise<readonly string[]> {
  const argv = [
    "systemctl",
    "list-units",
    "--plain",
    "--no-legend",
    "--state=active,reloading,activating,deactivating",
    podUnitGlob,
  ];
  const { stdout } = await runCommand(argv, { timeoutMs: 30_000 });
  return stdout
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((unit) => uuidOfPodUnit(unit) !== undefined);
}
